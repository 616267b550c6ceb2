// Asks work to stop. A signal handler or another thread sets the flag, workers read it between
// batches, and a separate thread ends the waits of other threads.
#pragma once
#include <atomic>
#include <chrono>
#include <optional>

namespace lugger {

/// kFinish: commit the open units, then stop. kNow: stop at once; the open unit is rolled back.
enum class StopLevel : int { kNone = 0, kFinish = 1, kNow = 2 };

class StopFlag {
 public:
  StopLevel level() const noexcept {
    return static_cast<StopLevel>(level_.load(std::memory_order_relaxed));
  }
  bool requested() const noexcept { return level() != StopLevel::kNone; }
  /// Raises the level by one; safe in a signal handler.
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

/// The stop order of a thread: which flag ends its waits, and at which level.
struct StopOrder {
  const StopFlag* stop = &kNeverStopped;
  StopLevel from = StopLevel::kNow;
  /// The thread tidies up after its work: after a stop it still has a few seconds.
  bool tidying = false;
  bool due() const noexcept { return stop->level() >= from; }
};

/// While it exists, this thread works under another order. Threads that it starts inherit the order
/// (base/threads.hpp), so the flag must outlive them.
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

/// While it exists, this thread tidies up.
class Tidying : public StopScope {
 public:
  Tidying() noexcept
      : StopScope(StopOrder{StopScope::current().stop, StopScope::current().from, true}) {}
};

/// Ends a wait from outside. Both functions are called in the stop thread and must not wait.
class Wakeable {
 public:
  virtual ~Wakeable() = default;
  /// Asks for the end of the wait; called again every tenth of a second.
  virtual void ask() noexcept = 0;
  /// Forces the end of the wait, because asking had no effect.
  virtual void cut() noexcept = 0;
};

/// One wait of this thread. After a stop it is asked to end, and forced to end a few seconds later.
class Wait {
 public:
  explicit Wait(Wakeable& what);
  ~Wait();
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  /// True when the wait was asked or forced to end.
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
