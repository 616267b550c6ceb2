// One piece of work on a thread of its own, for whoever started it to watch, stop and wait for: a
// load, a stage, a fix, a verification.
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/stop.hpp"

namespace lugger {

class Conductor {
 public:
  /// `stage`: what it does first, in a word.
  explicit Conductor(std::string stage) : stage_(std::move(stage)) {}
  ~Conductor() { join(); }
  Conductor(const Conductor&) = delete;
  Conductor& operator=(const Conductor&) = delete;

  /// Begins `work` at once; what it waits for, `stop` ends. `conclude` comes after it on the same
  /// thread, with what `work` failed with, and gives the last stage; then the work has ended.
  /// Error{config} where there is no thread to be had.
  using Conclude = std::function<std::string(const std::optional<Error>& failure)>;
  void start(const StopFlag& stop, std::function<void()> work, Conclude conclude);

  /// Waits for the end, at most `timeout_ms`.
  void wait(int timeout_ms) const;
  bool ended() const;
  /// Waits for the end.
  void join();

  std::string stage() const;
  void enter(std::string stage);
  /// Since it was made; once it has ended, until then.
  double seconds() const;

 private:
  Stopwatch watch_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::string stage_;
  std::optional<double> seconds_;
  std::jthread thread_;
};

}  // namespace lugger
