// How long to wait before a server that was lost is asked again.
#pragma once
#include <chrono>
#include <thread>

#include "base/error.hpp"
#include "base/stop.hpp"

namespace lugger {

inline constexpr int kMongoAttempts = 7;  // together about six seconds; then the run itself waits

/// The first attempt is made at once, each further one after twice the time. Error{interrupted}
/// when a stop ends the wait.
inline void wait_before(int attempt) {
  constexpr std::chrono::milliseconds kStep{20};
  if (attempt == 0) return;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(50 << attempt);
  while (std::chrono::steady_clock::now() < until) {
    if (StopScope::current().due())
      raise(Code::kInterrupted, "stopped while a server of MongoDB was away");
    std::this_thread::sleep_for(kStep);
  }
}

}  // namespace lugger
