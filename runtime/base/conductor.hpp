// Runs one piece of work in a thread of its own: a load, a stage, a fix, a verification. The caller
// watches it, may stop it, and waits for it.
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
  /// `stage`: the name of the first stage.
  explicit Conductor(std::string stage) : stage_(std::move(stage)) {}
  ~Conductor() { join(); }
  Conductor(const Conductor&) = delete;
  Conductor& operator=(const Conductor&) = delete;

  /// Begins `work` at once; `stop` ends its waits. `conclude` is called afterwards in the same
  /// thread, with the error of `work` if it failed, and returns the last stage. Error{config} when
  /// no thread can be started.
  using Conclude = std::function<std::string(const std::optional<Error>& failure)>;
  void start(const StopFlag& stop, std::function<void()> work, Conclude conclude);

  /// Waits for the end, at most `timeout_ms`.
  void wait(int timeout_ms) const;
  bool ended() const;
  /// Waits for the end.
  void join();

  std::string stage() const;
  void enter(std::string stage);
  /// Since construction; once the work has ended, the time that it took.
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
