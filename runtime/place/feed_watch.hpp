// What is looked at beside a feed: how far its source is, and how far back it can still tell of
// changes.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace lugger {

/// Times are as Feed::time_of() gives them.
struct FeedView {
  uint64_t head = 0;    // of the source, when it was asked
  uint64_t oldest = 0;  // it still has the changes from here on; 0: not known
  /// `oldest` was found by asking for changes: it is not older than that, and may be younger by an
  /// eighth of the whole.
  bool probed = false;
  /// Nothing of it was ever let go: how far back it will reach once it is full is not known.
  bool young = false;
};

/// Used by one thread.
class FeedWatch {
 public:
  virtual ~FeedWatch() = default;
  /// `position`: the oldest one that is still needed.
  virtual FeedView look(uint64_t position) = 0;
};

}  // namespace lugger
