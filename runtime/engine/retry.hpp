// Waiting between attempts to reach a server after the connection was lost.
#pragma once
#include <algorithm>
#include <atomic>
#include <chrono>
#include <string_view>
#include <thread>
#include <utility>

#include "base/error.hpp"
#include "base/stop.hpp"

namespace lugger {

/// The message that a run shows while it waits.
inline constexpr std::string_view kServerAway =
    "the connection to the server is lost; trying again";

/// Waits 0.5 s, 1 s, 2 s and so on, at most 30 s, ten times. After that the run ends and can be
/// resumed.
class Backoff {
 public:
  /// `away` counts the threads that wait for a server; progress shows it.
  explicit Backoff(std::atomic<int>* away = nullptr) noexcept : away_(away) {}
  Backoff(Backoff&& other) noexcept
      : away_(std::exchange(other.away_, nullptr)), attempt_(other.attempt_), due_(other.due_) {}
  Backoff& operator=(Backoff&&) = delete;
  ~Backoff() { reset(); }

  /// False: no attempt is left, or the run is to stop.
  bool wait(const StopFlag& stop) {
    if (!begin()) return false;
    while (!due()) {
      if (stop.requested()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
  }
  /// For callers that do not sleep here but ask due(). False: no attempt is left.
  bool begin() {
    if (attempt_ == kAttempts) return false;
    if (attempt_ == 0 && away_ != nullptr) ++*away_;
    due_ = std::chrono::steady_clock::now() +
           std::chrono::milliseconds(std::min(500 << attempt_++, 30000));
    return true;
  }
  bool begun() const noexcept { return attempt_ != 0; }
  bool due() const { return std::chrono::steady_clock::now() >= due_; }
  void reset() noexcept {
    if (attempt_ != 0 && away_ != nullptr) --*away_;
    attempt_ = 0;
  }

 private:
  static constexpr int kAttempts = 10;
  std::atomic<int>* away_;
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
      if (error.code() != Code::kConnect) throw;
      if (!backoff.wait(stop)) {
        if (stop.requested()) throw Error(Code::kInterrupted, "stopped while the server was away");
        throw;
      }
    }
  }
}

}  // namespace lugger
