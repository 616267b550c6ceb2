// Waiting between attempts to reach a server that went away.
#pragma once
#include <algorithm>
#include <chrono>
#include <thread>

#include "base/stop.hpp"

namespace lugger {

/// 0.5 s, 1 s, 2 s ... at most 30 s, ten times; then the run ends resumable.
class Backoff {
 public:
  /// False: no attempt is left, or the run is to stop.
  bool wait(const StopFlag& stop) {
    if (attempt_ == kAttempts) return false;
    const int ms = std::min(500 << attempt_++, 30000);
    for (int waited = 0; waited < ms; waited += 50) {
      if (stop.requested()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return true;
  }
  void reset() noexcept { attempt_ = 0; }

 private:
  static constexpr int kAttempts = 10;
  int attempt_ = 0;
};

}  // namespace lugger
