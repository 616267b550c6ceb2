// Starts threads. They receive no signals and work under the stop order of their creator. The
// system may refuse to start one (ulimit -u, the pids limit of a container).
#pragma once
#include <functional>
#include <stop_token>
#include <thread>
#include <vector>

namespace lugger {

/// Error{config} when no thread can be started.
std::jthread start_thread(std::function<void()> work);

std::jthread start_stoppable(std::function<void(std::stop_token)> work);

/// Starts up to `wanted` threads, each with its number. Error{config} when fewer than `least` can
/// be started, after the started ones have ended. They are joined when the list is destroyed.
std::vector<std::jthread> start_threads(size_t wanted, size_t least,
                                        const std::function<void(size_t)>& work);

}  // namespace lugger
