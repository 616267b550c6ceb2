// When a run may go on: not while someone has paused it, not while its target is unwell, not
// outside its hours, and no faster than asked.
#pragma once
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "base/stop.hpp"
#include "engine/throttle.hpp"

namespace lugger {

/// Hours of the day in local time, "22:00-05:00"; may reach over midnight.
struct Hours {
  int from = 0, to = 0;  // minutes since midnight
  bool contains(int minute) const noexcept {
    return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  }
};
/// Error{config} for anything else.
Hours parse_hours(std::string_view text);

/// Shared by a run's workers, which ask between units. With nothing set it costs a few relaxed
/// loads.
class Pace {
 public:
  Pace() = default;
  /// Asks once. `health` may be null where the limits ask the target nothing.
  void set_throttle(std::unique_ptr<Health> health, const ThrottleSpec& spec);
  void set_hours(std::string_view text);

  void pause() noexcept { paused_.store(true, std::memory_order_relaxed); }
  void resume() noexcept { paused_.store(false, std::memory_order_relaxed); }
  /// Rows a second of all workers together; 0: as fast as it goes.
  void set_speed(double rows_per_s);
  double speed() const noexcept { return speed_.load(std::memory_order_relaxed); }

  /// Before a unit; `rows`: what was done since the last call. Waits as long as it must, false: the
  /// run is to stop.
  bool wait(uint64_t rows, const StopFlag& stop);
  /// The two halves of wait(), for who cannot sleep here: books what was done; says whether the
  /// next unit may begin.
  void did(uint64_t rows);
  bool free();
  /// Why the run waits; "" while it works.
  std::string waits_for() const;

 private:
  std::string obstacle() const;
  bool within_speed() const;

  std::atomic<bool> paused_{false}, waiting_{false};
  std::atomic<double> speed_{0};
  std::optional<Hours> hours_;
  std::string hours_text_;
  std::unique_ptr<Throttle> throttle_;
  mutable std::mutex mutex_;
  std::string waits_for_;
  std::chrono::steady_clock::time_point free_at_{};
};

}  // namespace lugger
