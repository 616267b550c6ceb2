#include "base/conductor.hpp"

#include "base/threads.hpp"

namespace lugger {

void Conductor::start(const StopFlag& stop, std::function<void()> work, Conclude conclude) {
  thread_ = start_thread([this, &stop, work = std::move(work), conclude = std::move(conclude)] {
    const StopScope scope(stop);
    std::optional<Error> failure;
    try {
      work();
    } catch (const Error& error) {
      failure = error;
    } catch (const std::exception& error) {
      failure = Error(Code::kBug, error.what());
    }
    const Tidying tidying;
    std::string last = conclude(failure);
    const std::lock_guard lock(mutex_);
    stage_ = std::move(last);
    seconds_ = watch_.seconds();
    changed_.notify_all();
  });
}

void Conductor::wait(int timeout_ms) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                    [this] { return seconds_.has_value(); });
}

bool Conductor::ended() const {
  const std::lock_guard lock(mutex_);
  return seconds_.has_value();
}

void Conductor::join() {
  if (thread_.joinable()) thread_.join();
}

std::string Conductor::stage() const {
  const std::lock_guard lock(mutex_);
  return stage_;
}

void Conductor::enter(std::string stage) {
  const std::lock_guard lock(mutex_);
  stage_ = std::move(stage);
}

double Conductor::seconds() const {
  const std::lock_guard lock(mutex_);
  return seconds_.value_or(watch_.seconds());
}

}  // namespace lugger
