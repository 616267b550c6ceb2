// Waiting between attempts to reach a server after the connection was lost.
#pragma once
#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/stop.hpp"
#include "engine/away.hpp"

namespace lugger {

/// Waits 0.5 s, 1 s, 2 s and so on, at most 30 s, ten times. After that the run ends and can be
/// resumed, unless it is patient.
class Backoff {
 public:
  explicit Backoff(Away* away = nullptr) noexcept : away_(away) {}
  Backoff(Backoff&& other) noexcept
      : away_(std::exchange(other.away_, nullptr)), attempt_(other.attempt_), due_(other.due_) {}
  Backoff& operator=(Backoff&&) = delete;
  ~Backoff() { end(); }

  /// False: the error is none that waiting heals, no attempt is left, or the run is to stop.
  bool wait(const StopFlag& stop, const Error& error) {
    const bool heals =
        error.code() == Code::kConnect || (away_ != nullptr && away_->outlasts(error));
    if (!heals || !begin(error.message())) return false;
    while (!due()) {
      if (stop.requested()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
  }
  /// For callers that do not sleep here but ask due(). False: no attempt is left.
  bool begin(const std::string& why = {}) {
    const bool patient = away_ != nullptr && away_->is_patient();
    if (attempt_ == kAttempts && !patient) return false;
    if (away_ != nullptr) attempt_ == 0 ? away_->begin(why) : away_->still(why);
    due_ = std::chrono::steady_clock::now() +
           std::chrono::milliseconds(std::min(500 << attempt_, 30000));
    attempt_ = std::min(attempt_ + 1, kAttempts);
    return true;
  }
  bool begun() const noexcept { return attempt_ != 0; }
  bool due() const { return std::chrono::steady_clock::now() >= due_; }
  /// The server has answered.
  void reset() noexcept {
    if (away_ != nullptr) away_->heard();
    end();
  }

 private:
  static constexpr int kAttempts = 10;
  void end() noexcept {
    if (attempt_ != 0 && away_ != nullptr) away_->end();
    attempt_ = 0;
  }

  Away* away_;
  int attempt_ = 0;
  std::chrono::steady_clock::time_point due_;
};

/// Calls work(false), and after each lost connection work(true), until it succeeds.
/// Error{interrupted} when a stop was requested during a wait.
template <typename Work>
auto outlast(Backoff& backoff, const StopFlag& stop, Work&& work) {
  for (bool lost = false;; lost = true) {
    try {
      return work(lost);
    } catch (const Error& error) {
      if (backoff.wait(stop, error)) continue;
      if (error.code() == Code::kConnect && stop.requested())
        throw Error(Code::kInterrupted, "stopped while the server was away");
      throw;
    }
  }
}

}  // namespace lugger
