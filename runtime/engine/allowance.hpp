// --limit: how many documents the workers of a run may still read, together.
#pragma once
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/stop.hpp"

namespace lugger {

/// A worker claims before it reads and settles what it did read, so that all of them together read
/// exactly the limit, or everything there is. Without a limit claims cost nothing.
class Allowance {
 public:
  /// 0: without a limit.
  void set_limit(uint64_t limit, uint64_t read_before) noexcept {
    limited_ = limit != 0;
    left_ = limit > read_before ? limit - read_before : 0;
  }

  /// Up to `most` documents; 0: the limit is reached. Waits while the rest is claimed by others,
  /// who may not find as many.
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
  /// Of a claim so many documents were read.
  void settle(uint32_t claimed, uint64_t read) noexcept {
    if (!limited_) return;
    const std::lock_guard lock(mutex_);
    claimed_ -= claimed;
    left_ += claimed - read;
    changed_.notify_all();
  }
  /// Documents that were read and rolled back: they will be read again.
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
