// A short, timed trial of a load: converts documents to rows and COPY bytes, and discards them.
#pragma once
#include "base/stop.hpp"
#include "place/source.hpp"

namespace lugger {

struct LoadTrial {
  uint64_t documents = 0, bytes = 0;  // converted, and their size in the source
  uint64_t refused = 0;
  uint64_t row_bytes = 0;  // of the values as stored, without row headers
  uint64_t columns = 0;
  double seconds = 0;  // on one core
};

/// Converts the first documents of a source, with the columns that columns = 'auto' would choose,
/// repeatedly for about `seconds`.
LoadTrial try_load(Source& source, double seconds, const StopFlag* stop = nullptr);

}  // namespace lugger
