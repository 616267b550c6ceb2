// A first look at a source: fields, types, counts, and the column each would become.
#pragma once
#include <string>
#include <vector>

#include "base/stop.hpp"
#include "place/source.hpp"

namespace lugger {

struct TypeCount {
  std::string type;  // "int32", "string", ...
  uint64_t values = 0;
};

struct FieldSummary {
  std::string path;
  uint64_t seen = 0;  // documents that have the field
  uint64_t nulls = 0;
  std::vector<TypeCount> types;  // most frequent first, null left out
  std::string suggests;          // column type
  std::string note;              // "" or a caution: on_error = "null" would cost 3 values
};

struct Description {
  SourceInfo info;
  uint64_t documents = 0;
  uint64_t malformed = 0;
  bool complete = true;  // false: stopped at the limit
  std::vector<FieldSummary> fields;
};

/// Reads the source once, up to `limit` documents (0: all).
Description describe_source(Source& source, uint64_t limit, const StopFlag* stop = nullptr);

class FieldsSeen;
/// Reads the fields into `seen`. Returns true when it reached the end of the source.
bool look_at_fields(Source& source, uint64_t limit, FieldsSeen& seen, const StopFlag* stop);

}  // namespace lugger
