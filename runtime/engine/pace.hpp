// Decides when a run may go on: not while it is paused, while a limit on the target's health is
// exceeded, or outside its hours; and not faster than its speed.
#pragma once
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "base/stop.hpp"
#include "engine/throttle.hpp"

namespace lugger {

/// Hours of the day in local time, "22:00-05:00". May span midnight.
struct Hours {
  int from = 0, to = 0;  // minutes since midnight
  bool contains(int minute) const noexcept {
    return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  }
};
/// Error{config} for any other text.
Hours parse_hours(std::string_view text);

/// So much a second and no more, of all that share it. Time that was not used is not saved up, except
/// for one second.
class Speed {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// 0: no bound.
  void set(double per_s, Time now);
  double per_s() const noexcept { return per_s_.load(std::memory_order_relaxed); }
  void did(double amount, Time now);
  bool free(Time now) const;

 private:
  std::atomic<double> per_s_{0};
  mutable std::mutex mutex_;
  Time free_at_{};
};

/// Shared by the workers of a run, which ask between units. With nothing set a call costs a few
/// relaxed loads.
class Pace {
 public:
  Pace() = default;
  /// Checks the health once, at once. `health` may be null when no limit needs the target.
  void set_throttle(std::unique_ptr<Health> health, const ThrottleSpec& spec);
  void set_hours(std::string_view text);

  void pause() noexcept { paused_.store(true, std::memory_order_relaxed); }
  void resume() noexcept { paused_.store(false, std::memory_order_relaxed); }
  /// Rows a second, of all workers together; 0: no bound.
  void set_speed(double rows_per_s);
  double speed() const noexcept { return rows_.per_s(); }
  /// Megabytes a second that are read from the source, by all workers together; 0: no bound.
  void set_source_speed(double mbps);
  double source_speed() const noexcept { return source_bytes_.per_s() / kMegabyte; }

  /// Called before a unit. `rows`: rows written since the last call. Waits until the unit may
  /// begin. False: the run is to stop.
  bool wait(uint64_t rows, const StopFlag& stop);
  /// did() and may_go_on() are the two halves of wait(), for callers that must not sleep: the first
  /// records rows that were written, the second says whether the next unit may begin.
  void did(uint64_t rows);
  bool free();
  /// Records bytes that were read from the source.
  void took(uint64_t bytes);
  /// Why the run waits; "" when it does not.
  std::string waits_for() const;

 private:
  static constexpr double kMegabyte = 1e6;
  std::string obstacle() const;
  bool within_speed() const;

  std::atomic<bool> paused_{false}, waiting_{false};
  Speed rows_, source_bytes_;
  std::optional<Hours> hours_;
  std::string hours_text_;
  std::unique_ptr<Throttle> throttle_;
  mutable std::mutex mutex_;
  std::string waits_for_;
};

}  // namespace lugger
