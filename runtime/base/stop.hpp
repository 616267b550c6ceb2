// Asking a run to stop: set by a signal handler or another thread, read by workers between batches.
#pragma once
#include <atomic>

namespace lugger {

/// kFinish: commit what is under way, then leave. kNow: leave at once, the open unit is rolled
/// back.
enum class StopLevel : int { kNone = 0, kFinish = 1, kNow = 2 };

class StopFlag {
 public:
  StopLevel level() const noexcept {
    return static_cast<StopLevel>(level_.load(std::memory_order_relaxed));
  }
  bool requested() const noexcept { return level() != StopLevel::kNone; }
  /// One step further; safe in a signal handler.
  void raise() noexcept {
    int level = level_.load(std::memory_order_relaxed);
    if (level < 2) level_.store(level + 1, std::memory_order_relaxed);
  }
  void set(StopLevel level) noexcept {
    level_.store(static_cast<int>(level), std::memory_order_relaxed);
  }

 private:
  std::atomic<int> level_{0};
  static_assert(std::atomic<int>::is_always_lock_free);
};

/// For work that nobody can ask to stop.
inline const StopFlag kNeverStopped;
inline const StopFlag& or_never(const StopFlag* stop) noexcept {
  return stop == nullptr ? kNeverStopped : *stop;
}

}  // namespace lugger
