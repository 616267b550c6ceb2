// DDL on tables that are in use. A statement that waits for its lock blocks all later statements on
// the table; so it gives up soon, lets the others run, and tries again.
#pragma once
#include <functional>
#include <string>

#include "place/stage.hpp"
#include "postgres/session.hpp"

namespace lugger {

struct Patience {
  const StageSettings* settings = nullptr;
  const StopFlag* stop = nullptr;
  /// Called before each pause with a description of the sessions that hold the lock.
  std::function<void(const std::string& holders)> waiting;

  /// Runs statements in one transaction with lock_timeout. When the lock is not granted, tries
  /// again after pauses that grow and vary. Returns the number of tries. Error{timeout} names the
  /// sessions that hold the lock when all tries have failed.
  uint64_t execute(PgSession& session, const std::string& table,
                   const std::vector<std::string>& statements) const;
  /// Sleeps; Error{interrupted} when a stop is requested meanwhile.
  void pause(uint64_t tries) const;
};

/// True for a lock timeout, or a deadlock that cancelled our statement: try again.
bool is_lock_failure(const Error& error) noexcept;

[[noreturn]] void throw_interrupted();

}  // namespace lugger
