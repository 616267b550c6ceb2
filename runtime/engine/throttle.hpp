// The target's health, asked now and then, so that a run can step back.
#pragma once
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "place/health.hpp"

namespace lugger {

/// Asks in a thread of its own until it is destroyed. The constructor asks once, so that a query
/// that cannot work is told before the run begins.
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
