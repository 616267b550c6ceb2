// DDL on tables that carry traffic. A statement that waits for its lock makes everybody behind it
// wait too; so it gives up soon, lets the others pass, and asks again.
#pragma once
#include <functional>
#include <string>

#include "place/stage.hpp"
#include "postgres/session.hpp"

namespace lugger {

struct Patience {
  const StageSettings* settings = nullptr;
  const StopFlag* stop = nullptr;
  /// Told before each pause: who holds the lock, described.
  std::function<void(const std::string& holders)> waiting;

  /// Runs statements in one transaction with lock_timeout, again after growing, uneven pauses while
  /// the lock is not given. Returns how often it was tried. Error{timeout} with who holds the lock
  /// when all tries are used up.
  uint64_t execute(PgSession& session, const std::string& table,
                   const std::vector<std::string>& statements) const;
  /// Sleeps; Error{interrupted} when a stop is asked for meanwhile.
  void pause(uint64_t tries) const;
};

/// Not given in time, or a deadlock that took us out: worth another try.
bool is_lock_failure(const Error& error) noexcept;

[[noreturn]] void throw_interrupted();

}  // namespace lugger
