// Waits for the server's answer in a way that a stop can end.
#pragma once
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/stop.hpp"
#include "postgres/lock_watch.hpp"

struct pg_conn;

namespace lugger {

/// Ends a session's waits from outside: first with a cancel request, later by closing the
/// connection. No call here waits for the server: a cancel request to a server that does not answer
/// is left to a separate thread.
class PgWakeup final : public Wakeable {
 public:
  explicit PgWakeup(pg_conn* connection);
  ~PgWakeup() override;
  PgWakeup(const PgWakeup&) = delete;
  PgWakeup& operator=(const PgWakeup&) = delete;

  void ask() noexcept override;
  void cut() noexcept override;
  /// Waits, at most a second, until the server has processed the cancel request, so that it cannot
  /// hit a later statement.
  void settle() noexcept;

  /// Names the session for the watch over its locks; until then it is not watched.
  void watch(WatchedSession session) { watched_ = std::move(session); }
  const WatchedSession& watched() const noexcept { return watched_; }

 private:
  struct Request;
  WatchedSession watched_;
  std::shared_ptr<Request> request_;
  int socket_;  // our own duplicate: libpq may close its socket at any time
};

/// While it exists, this thread waits for an answer.
class PgWait {
 public:
  explicit PgWait(PgWakeup& wakeup) : wakeup_(wakeup), wait_(wakeup), lock_(wakeup.watched()) {}
  ~PgWait() {
    if (wait_.disturbed()) wakeup_.settle();
  }
  PgWait(const PgWait&) = delete;
  PgWait& operator=(const PgWait&) = delete;

  /// Error{interrupted} if a stop caused the failure: throw it instead of the failure.
  std::optional<Error> stopped(const Error& failure) const;

 private:
  PgWakeup& wakeup_;
  Wait wait_;
  LockWait lock_;
};

/// Runs `work`, which asks the server and waits for its answer, until a stop ends it.
template <typename Work>
auto waiting(PgWakeup& wakeup, Work&& work) {
  const PgWait wait(wakeup);
  try {
    return work();
  } catch (const Error& error) {
    if (const std::optional<Error> stopped = wait.stopped(error)) throw Error(*stopped);
    throw;
  }
}

}  // namespace lugger
