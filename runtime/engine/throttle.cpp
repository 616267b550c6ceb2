#include "engine/throttle.hpp"

#include <chrono>

#include "base/threads.hpp"

namespace lugger {

namespace {

constexpr auto kInterval = std::chrono::milliseconds(500);

}  // namespace

Throttle::Throttle(std::unique_ptr<Health> health, ThrottleSpec spec)
    : health_(std::move(health)), spec_(std::move(spec)) {
  health_->require(spec_);
  set(health_->ask(spec_));
  thread_ = start_thread([this] { watch(); });
}

Throttle::~Throttle() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string Throttle::reason() const {
  const std::lock_guard lock(mutex_);
  return reason_;
}

void Throttle::set(std::string reason) {
  const std::lock_guard lock(mutex_);
  healthy_.store(reason.empty(), std::memory_order_release);
  reason_ = std::move(reason);
}

void Throttle::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_.wait_for(lock, kInterval, [this] { return stop_; })) {
    lock.unlock();
    try {
      set(health_->ask(spec_));
    } catch (const std::exception& error) {
      // A target that cannot be reached counts as unhealthy.
      set(fmt::format("the target does not say how it is: {}", error.what()));
    }
    lock.lock();
  }
}

}  // namespace lugger
