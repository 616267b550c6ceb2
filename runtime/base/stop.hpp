// Asking work to stop: set by a signal handler or another thread, read by workers between batches,
// and brought by one thread of its own to whatever waits.
#pragma once
#include <atomic>
#include <chrono>
#include <optional>

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
  void raise() noexcept;
  void set(StopLevel level) noexcept;

 private:
  std::atomic<int> level_{0};
  static_assert(std::atomic<int>::is_always_lock_free);
};

/// For work that nobody can ask to stop.
inline const StopFlag kNeverStopped;
inline const StopFlag& or_never(const StopFlag* stop) noexcept {
  return stop == nullptr ? kNeverStopped : *stop;
}

/// Whose work a thread does: which flag ends what it waits for, and at which level.
struct StopOrder {
  const StopFlag* stop = &kNeverStopped;
  StopLevel from = StopLevel::kNow;
  /// Putting things in order behind the work: a stop leaves it a few seconds.
  bool tidying = false;
  bool due() const noexcept { return stop->level() >= from; }
};

/// While it lives, this thread works under another order. Threads that it starts inherit the order
/// (base/threads.hpp); the flag outlives them.
class StopScope {
 public:
  explicit StopScope(const StopFlag& stop, StopLevel from = StopLevel::kNow) noexcept
      : StopScope(StopOrder{&stop, from, false}) {}
  explicit StopScope(const StopOrder& order) noexcept;
  ~StopScope();
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;
  static const StopOrder& current() noexcept;

 private:
  StopOrder before_;
};

/// While it lives, what this thread does puts things in order.
class Tidying : public StopScope {
 public:
  Tidying() noexcept
      : StopScope(StopOrder{StopScope::current().stop, StopScope::current().from, true}) {}
};

/// How a wait is ended from outside. Both are called on the stop thread, and must not wait.
class Wakeable {
 public:
  virtual ~Wakeable() = default;
  /// Asks for the end, politely; again every tenth of a second.
  virtual void ask() noexcept = 0;
  /// Ends it: whoever was asked does not answer.
  virtual void cut() noexcept = 0;
};

/// One wait of this thread, from its beginning to its end. What was asked to stop is asked to let
/// go of it, and cut off after a few seconds.
class Wait {
 public:
  explicit Wait(Wakeable& what);
  ~Wait();
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  /// It was asked to end, or cut off.
  bool disturbed() const noexcept { return disturbed_.load(std::memory_order_acquire); }

 private:
  friend class StopThread;
  void look() noexcept;
  Wakeable& what_;
  StopOrder order_;
  std::optional<std::chrono::steady_clock::time_point> stopped_since_;
  std::atomic<bool> disturbed_{false};
  Wait *before_ = nullptr, *after_ = nullptr;  // in the stop thread's list
};

}  // namespace lugger
