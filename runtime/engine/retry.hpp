// Waiting between attempts to reach a server that went away.
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

/// What a run says of itself meanwhile.
inline constexpr std::string_view kServerAway =
    "the connection to the server is lost; trying again";

/// 0.5 s, 1 s, 2 s ... at most 30 s, ten times; then the run ends resumable.
class Backoff {
 public:
  /// `away` counts those that wait for a server, for whoever shows it.
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
  /// For whoever waits elsewhere, until due(). False: no attempt is left.
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

/// Does what has to outlast a lost connection: `work(false)`, and `work(true)` behind each loss.
/// Error{interrupted} when it was asked to stop while it waited.
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
