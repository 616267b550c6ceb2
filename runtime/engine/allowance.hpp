// Implements --limit: how many more documents the workers of a run may read, all together.
#pragma once
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/stop.hpp"

namespace lugger {

/// A worker claims documents before it reads and settles the claim afterwards with the number it
/// did read. So all workers together read exactly the limit, or everything there is. Without a
/// limit a claim costs nothing.
class Allowance {
 public:
  /// `limit` 0: no limit.
  void set_limit(uint64_t limit, uint64_t read_before) noexcept {
    limited_ = limit != 0;
    left_ = limit > read_before ? limit - read_before : 0;
  }

  /// Claims up to `most` documents and returns how many; 0: the limit is reached. While the rest is
  /// claimed by other workers it waits, since they may find fewer documents than they claimed.
  uint32_t claim(uint32_t most, const StopFlag& stop) {
    if (!limited_) return most;
    std::unique_lock lock(mutex_);
    while (left_ == 0 && claimed_ != 0 && !stop.requested())
      changed_.wait_for(lock, std::chrono::milliseconds(50));
    const auto granted = static_cast<uint32_t>(std::min<uint64_t>(most, left_));
    left_ -= granted;
    claimed_ += granted;
    return granted;
  }
  /// Ends a claim of `claimed` documents, of which `read` were read.
  void settle(uint32_t claimed, uint64_t read) noexcept {
    if (!limited_) return;
    const std::lock_guard lock(mutex_);
    claimed_ -= claimed;
    left_ += claimed - read;
    changed_.notify_all();
  }
  /// Returns documents that were read and then rolled back, because they will be read again.
  void give_back(uint64_t documents) noexcept {
    if (!limited_ || documents == 0) return;
    const std::lock_guard lock(mutex_);
    left_ += documents;
    changed_.notify_all();
  }

 private:
  bool limited_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t left_ = 0, claimed_ = 0;
};

}  // namespace lugger
