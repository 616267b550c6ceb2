// What was refused, put together by its reason, with the first document of each: for the end of a
// run. Its size does not grow with the data.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "place/state.hpp"

namespace lugger {

struct RunResult;

struct RejectGroup {
  std::string table, column, code, constraint;
  uint64_t documents = 0;
  // Of the first document; what would take it stands apart. Redacted: no message.
  std::string message, advice, document_id;
};

class RejectGroups {
 public:
  void add(const RejectRecord& reject, bool redact);
  void add(const RejectGroups& others);
  /// The rejects of a result, and its counts by code.
  void fill(RunResult& result) const;

 private:
  /// Table, column, code; then the constraint, or what a hook said.
  using Key = std::tuple<std::string, std::string, std::string, std::string>;
  RejectGroup& group(Key key);

  std::map<Key, RejectGroup> groups_;
};

}  // namespace lugger
