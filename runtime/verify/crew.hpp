// Several threads that share a list of work. The first failure stops all of them, and the caller
// throws it.
#pragma once
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/stop.hpp"
#include "base/threads.hpp"

namespace lugger {

class Crew {
 public:
  explicit Crew(const StopFlag& stop) : stop_(stop) {}
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew() { join(); }

  void start(std::function<void()> work) {
    try {
      threads_.push_back(start_stoppable([this, work = std::move(work)](const std::stop_token&) {
        try {
          work();
        } catch (...) {
          const std::lock_guard lock(mutex_);
          if (!failure_) failure_ = std::current_exception();
          failed_.set(StopLevel::kNow);
        }
      }));
    } catch (const Error&) {
      failed_.set(StopLevel::kNow);
      throw;
    }
  }
  /// Waits for all threads. Error{interrupted} when the user stopped them.
  void finish() {
    join();
    if (failure_) std::rethrow_exception(failure_);
    if (stop_.requested()) {
      throw Error(Code::kInterrupted, "stopped before the comparison was complete",
                  "nothing was written; run it again");
    }
  }
  bool stopped() const noexcept { return stop_.requested() || failed_.requested(); }

 private:
  void join() {
    for (std::jthread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  const StopFlag& stop_;
  StopFlag failed_;
  std::mutex mutex_;
  std::exception_ptr failure_;
  std::vector<std::jthread> threads_;
};

}  // namespace lugger
