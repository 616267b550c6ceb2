// Waiting for the server's answer, so that a stop can end it.
#pragma once
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/stop.hpp"

struct pg_conn;

namespace lugger {

/// What ends a session's waits from outside: a cancel request, and at last the end of the
/// connection. Nothing here waits for the server: a request to one that does not answer is left to
/// a thread of its own.
class PgWakeup final : public Wakeable {
 public:
  explicit PgWakeup(pg_conn* connection);
  ~PgWakeup() override;
  PgWakeup(const PgWakeup&) = delete;
  PgWakeup& operator=(const PgWakeup&) = delete;

  void ask() noexcept override;
  void cut() noexcept override;
  /// Until the server has what was asked of it, so that it hits nothing that comes later; a second
  /// at most.
  void settle() noexcept;

 private:
  struct Request;
  std::shared_ptr<Request> request_;
  int socket_;  // of our own: libpq closes its own when it pleases
};

/// While it lives, this thread waits for an answer.
class PgWait {
 public:
  explicit PgWait(PgWakeup& wakeup) : wakeup_(wakeup), wait_(wakeup) {}
  ~PgWait() {
    if (wait_.disturbed()) wakeup_.settle();
  }
  PgWait(const PgWait&) = delete;
  PgWait& operator=(const PgWait&) = delete;

  /// What to throw instead of a failure that a stop caused: Error{interrupted}.
  std::optional<Error> stopped(const Error& failure) const;

 private:
  PgWakeup& wakeup_;
  Wait wait_;
};

/// Asks the server and waits for its answer, until a stop ends that.
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
