// A plan and the run behind it ask a file for the same parts, and cutting may read all of it.
#pragma once
#include <mutex>
#include <vector>

#include "place/source.hpp"

namespace lugger {

/// Remembers the last cut. For files that are mapped: their bytes stay what they were. Jobs of one
/// source may ask at once.
class CutOnce {
 public:
  /// `cut()` makes the parts, when they are not those of the last call.
  template <typename Cut>
  std::vector<Partition> into(int parts, Cut&& cut) {
    const std::lock_guard lock(mutex_);
    if (made_.empty() || parts != parts_) made_ = cut();
    parts_ = parts;
    return made_;
  }

 private:
  std::mutex mutex_;
  int parts_ = 0;
  std::vector<Partition> made_;
};

}  // namespace lugger
