#include "base/stop.hpp"

#include <semaphore.h>

#include <mutex>
#include <thread>

#include "base/error.hpp"
#include "base/threads.hpp"

namespace lugger {
namespace {

constexpr auto kPause = std::chrono::milliseconds(100);
// How long a wait may take after it was asked to end; a server under load needs some time.
constexpr auto kPatience = std::chrono::seconds(5);

/// Wakes the stop thread when a flag is raised. A semaphore, because a signal handler may not use
/// any other means to wake a thread.
struct Bell {
  Bell() noexcept { sem_init(&semaphore, 0, 0); }
  void ring() noexcept { sem_post(&semaphore); }
  void wait() noexcept {
    while (sem_wait(&semaphore) != 0) continue;
  }
  sem_t semaphore;
};

Bell g_bell;

StopOrder& order_of_thread() noexcept {
  static thread_local StopOrder order;
  return order;
}

}  // namespace

/// One thread in a process, from the first wait on. It sleeps until a flag is raised, then checks
/// all waits until none is left that must end.
class StopThread {
 public:
  static StopThread& instance() {
    // Never destroyed: its thread outlives the objects of static storage.
    static auto& one = *new StopThread();
    return one;
  }

  void add(Wait& wait) noexcept {
    const std::lock_guard lock(mutex_);
    start();
    wait.after_ = first_;
    if (first_ != nullptr) first_->before_ = &wait;
    first_ = &wait;
  }
  void remove(Wait& wait) noexcept {
    const std::lock_guard lock(mutex_);
    (wait.before_ == nullptr ? first_ : wait.before_->after_) = wait.after_;
    if (wait.after_ != nullptr) wait.after_->before_ = wait.before_;
  }

 private:
  /// If the system cannot start a thread, waits are not ended early; the next wait tries again.
  void start() noexcept try {
    if (started_) return;
    start_thread([this] { run(); }).detach();
    started_ = true;
  } catch (const std::exception&) {
    started_ = false;
  }

  void run() {
    for (;;) {
      g_bell.wait();
      while (look()) std::this_thread::sleep_for(kPause);
    }
  }

  /// False: no wait is left that must end.
  bool look() noexcept {
    const std::lock_guard lock(mutex_);
    bool any = false;
    for (Wait* wait = first_; wait != nullptr; wait = wait->after_) {
      if (!wait->order_.due()) continue;
      wait->look();
      any = true;
    }
    return any;
  }

  std::mutex mutex_;
  bool started_ = false;
  Wait* first_ = nullptr;
};

void StopFlag::raise() noexcept {
  const int level = level_.load(std::memory_order_relaxed);
  if (level < 2) level_.store(level + 1, std::memory_order_relaxed);
  g_bell.ring();
}

void StopFlag::set(StopLevel level) noexcept {
  level_.store(static_cast<int>(level), std::memory_order_relaxed);
  if (level != StopLevel::kNone) g_bell.ring();
}

StopScope::StopScope(const StopOrder& order) noexcept : before_(order_of_thread()) {
  order_of_thread() = order;
}
StopScope::~StopScope() { order_of_thread() = before_; }
const StopOrder& StopScope::current() noexcept { return order_of_thread(); }

Wait::Wait(Wakeable& what) : what_(what), order_(StopScope::current()) {
  if (order_.stop == &kNeverStopped) return;
  StopThread::instance().add(*this);
  // The flag was raised before, so nobody will ring the bell again.
  if (order_.due()) g_bell.ring();
}

Wait::~Wait() {
  if (order_.stop != &kNeverStopped) StopThread::instance().remove(*this);
}

void Wait::look() noexcept {
  const auto now = std::chrono::steady_clock::now();
  if (!stopped_since_) stopped_since_ = now;
  const bool late = now - *stopped_since_ >= kPatience;
  if (order_.tidying && !late) return;
  disturbed_.store(true, std::memory_order_release);
  late ? what_.cut() : what_.ask();
}

}  // namespace lugger
