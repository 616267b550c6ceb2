// Watches the target's health, so that a run can wait when a limit is exceeded.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "place/health.hpp"

namespace lugger {

/// Asks in its own thread until it is destroyed. The constructor asks once, so that a query that
/// cannot work is reported before the run begins.
class Throttle {
 public:
  Throttle(std::unique_ptr<Health> health, ThrottleSpec spec);
  ~Throttle();
  Throttle(const Throttle&) = delete;
  Throttle& operator=(const Throttle&) = delete;

  bool healthy() const noexcept { return healthy_.load(std::memory_order_acquire); }
  std::string reason() const;

 private:
  void watch();
  void set(std::string reason);

  std::unique_ptr<Health> health_;
  ThrottleSpec spec_;
  mutable std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::string reason_;
  std::atomic<bool> healthy_{true};
  std::jthread thread_;
};

}  // namespace lugger
