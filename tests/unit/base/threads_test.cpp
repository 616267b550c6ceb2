#include "base/threads.hpp"

#include <csignal>

#include "catch.hpp"

using namespace lugger;

TEST_CASE("signals are the main thread's") {
  const auto takes = [](int signal) {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    return sigismember(&mask, signal) == 0;
  };
  bool plain = true, stoppable = true, several = true, fault = false;
  start_thread([&] { plain = takes(SIGINT) || takes(SIGTERM), fault = takes(SIGSEGV); }).join();
  start_stoppable([&](const std::stop_token&) { stoppable = takes(SIGINT); }).join();
  start_threads(1, 1, [&](size_t) { several = takes(SIGHUP); });
  CHECK_FALSE(plain);
  CHECK_FALSE(stoppable);
  CHECK_FALSE(several);
  CHECK(fault);
  CHECK(takes(SIGINT));
}
