#include "base/threads.hpp"

#include <csignal>
#include <system_error>

#include "base/error.hpp"
#include "base/stop.hpp"

namespace lugger {
namespace {

Error no_thread(const std::system_error& fault) {
  return Error(Code::kConfig, fmt::format("the system gives no thread: {}", fault.code().message()),
               "raise the limit of processes and threads (ulimit -u, ulimit -s, the pids of a "
               "container), or work with fewer connections: -j 1");
}

/// Threads that are started while it exists receive no signals. Signals are for the main thread,
/// whose handlers use what it owns.
class SignalsHeld {
 public:
  SignalsHeld() noexcept {
    sigset_t all;
    sigfillset(&all);
    // Signals for a fault of the thread itself are not blocked.
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP})
      sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

/// The same work, under the order of the thread that starts it.
template <typename... Arguments>
std::function<void(Arguments...)> inheriting(std::function<void(Arguments...)> work) {
  return [order = StopScope::current(), work = std::move(work)](Arguments... arguments) {
    const StopScope scope(order);
    work(std::move(arguments)...);
  };
}

}  // namespace

std::jthread start_thread(std::function<void()> work) try {
  const SignalsHeld held;
  return std::jthread(inheriting(std::move(work)));
} catch (const std::system_error& fault) {
  throw no_thread(fault);
}

std::jthread start_stoppable(std::function<void(std::stop_token)> work) try {
  const SignalsHeld held;
  return std::jthread(inheriting(std::move(work)));
} catch (const std::system_error& fault) {
  throw no_thread(fault);
}

std::vector<std::jthread> start_threads(size_t wanted, size_t least,
                                        const std::function<void(size_t)>& work) {
  std::vector<std::jthread> threads;
  threads.reserve(wanted);
  const SignalsHeld held;
  try {
    while (threads.size() < wanted) threads.emplace_back(inheriting<size_t>(work), threads.size());
  } catch (const std::system_error& fault) {
    if (threads.size() < least) throw no_thread(fault);
  }
  return threads;
}

}  // namespace lugger
