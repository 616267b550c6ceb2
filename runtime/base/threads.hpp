// Starting threads: they take no signals, work under the stop order of whoever starts them, and the
// system may have none to give (ulimit -u, the pids of a container).
#pragma once
#include <functional>
#include <stop_token>
#include <thread>
#include <vector>

namespace lugger {

/// Error{config} where there is none to be had.
std::jthread start_thread(std::function<void()> work);

std::jthread start_stoppable(std::function<void(std::stop_token)> work);

/// As many of `wanted` as can be had, each with its number; Error{config} where they are fewer than
/// `least`, once those that began have ended. They are joined with the list.
std::vector<std::jthread> start_threads(size_t wanted, size_t least,
                                        const std::function<void(size_t)>& work);

}  // namespace lugger
