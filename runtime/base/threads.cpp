#include "base/threads.hpp"

#include <system_error>

#include "base/error.hpp"

namespace lugger {
namespace {

Error no_thread(const std::system_error& fault) {
  return Error(Code::kConfig, fmt::format("the system gives no thread: {}", fault.code().message()),
               "raise the limit of processes and threads (ulimit -u, ulimit -s, the pids of a "
               "container), or work with fewer connections: -j 1");
}

}  // namespace

std::thread start_thread(std::function<void()> work) try {
  return std::thread(std::move(work));
} catch (const std::system_error& fault) {
  throw no_thread(fault);
}

std::jthread start_stoppable(std::function<void(std::stop_token)> work) try {
  return std::jthread(std::move(work));
} catch (const std::system_error& fault) {
  throw no_thread(fault);
}

std::vector<std::jthread> start_threads(size_t wanted, size_t least,
                                        const std::function<void(size_t)>& work) {
  std::vector<std::jthread> threads;
  threads.reserve(wanted);
  try {
    while (threads.size() < wanted)
      threads.emplace_back([work, number = threads.size()] { work(number); });
  } catch (const std::system_error& fault) {
    if (threads.size() < least) throw no_thread(fault);
  }
  return threads;
}

}  // namespace lugger
