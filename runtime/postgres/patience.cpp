#include "postgres/patience.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

#include "postgres/step_state.hpp"

namespace lugger {
namespace {

constexpr auto kSlice = std::chrono::milliseconds(50);
constexpr uint64_t kFirstPauseMs = 200, kLongestPauseMs = 5000;

/// Between half and one and a half times the pause, so that several of our sessions, or a job that
/// runs every second, do not collide again.
uint64_t uneven(uint64_t pause_ms) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_int_distribution<uint64_t>(pause_ms / 2, pause_ms + pause_ms / 2)(random);
}

}  // namespace

bool is_lock_failure(const Error& error) noexcept {
  return error.sqlstate() == "55P03" || error.sqlstate() == "40P01";
}

void throw_interrupted() {
  throw Error(Code::kInterrupted, "stopped between two steps", "run the same command again");
}

void Patience::pause(uint64_t tries) const {
  const uint64_t wanted = std::min(kLongestPauseMs, kFirstPauseMs << std::min<uint64_t>(tries, 8));
  auto left = std::chrono::milliseconds(uneven(wanted));
  while (left.count() > 0) {
    if (stop != nullptr && stop->requested()) throw_interrupted();
    std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(left, kSlice));
    left -= kSlice;
  }
}

uint64_t Patience::execute(PgSession& session, const std::string& table,
                           const std::vector<std::string>& statements) const {
  for (uint64_t tries = 1;; ++tries) {
    if (stop != nullptr && stop->requested()) throw_interrupted();
    try {
      session.begin();
      session.execute(fmt::format("SET LOCAL lock_timeout = {}", settings->lock_timeout_ms));
      for (const std::string& sql : statements) session.execute(sql);
      session.commit();
      return tries;
    } catch (const Error& error) {
      session.rollback();
      if (!is_lock_failure(error)) throw;
      const std::string holders = lock_holders(session, table);
      if (tries >= settings->lock_tries) {
        throw Error(Code::kTimeout,
                    fmt::format("{}: its lock was not given within {} tries of {} ms{}", table,
                                tries, settings->lock_timeout_ms,
                                holders.empty() ? "" : "; it is held by " + holders),
                    "end that session, or run the same command again at a quieter time; "
                    "--lock-tries and --lock-timeout set the patience",
                    error.sqlstate());
      }
      if (waiting) waiting(holders);
      pause(tries);
    }
  }
}

}  // namespace lugger
