// Ensures that one process at a time runs a job: with a lock of our session, or through a pooler
// with a row that is renewed.
#pragma once
#include <memory>
#include <string>

#include "postgres/heart.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// The server releases a session lock when the process that holds it dies, so after kill -9 the job
/// can be run again at once. The server may not notice that a host is gone; so the holder also
/// sends a heartbeat, and a process that asks for the job a minute after the last one terminates
/// the old holder's sessions. Through a pooler in transaction mode we have no session: there the
/// row expires after a minute without a heartbeat.
class PgLease {
 public:
  PgLease(std::string url, const std::string& schema, bool pooled);
  ~PgLease();
  PgLease(const PgLease&) = delete;
  PgLease& operator=(const PgLease&) = delete;

  /// `session` must live as long as the lease unless pooled. False: `holder` is the process that
  /// has the job.
  bool take(PgSession& session, const std::string& job, std::string& holder);
  /// The same after a lost connection. Also false when another process had the job in between,
  /// because what this process knows about the job is out of date then.
  bool take_again(PgSession& session, std::string& holder);
  void release(PgSession& session) noexcept;
  const std::string& job() const noexcept { return job_; }
  /// What the row contains while the lease is ours, and what units are marked with (mark_unit()).
  const std::string& token() const noexcept { return token_; }

 private:
  struct Seen;
  bool take_patiently(PgSession& session, const std::string& job, std::string& holder, bool again);
  bool take_once(PgSession& session, const std::string& job, std::string& holder, bool again);
  Seen look(PgSession& session, const std::string& job);
  bool take_row(PgSession& session, const std::string& job, const std::string& expires);
  std::string url_, schema_, token_, job_;
  bool pooled_;
  std::shared_ptr<PgHeart> heart_;
};

/// What the lock of a job is taken on, hashed.
std::string lease_key(const std::string& quoted_schema, const std::string& job);

/// Marks the open transaction as one that loads under a claim or a lease. A process that takes over
/// the claim or lease can then terminate it, because its row locks could block others.
void mark_unit(PgSession& session, const std::string& token);
std::string unit_key(const std::string& token);
/// Call this in a transaction that is about to lock rows of the ledger: if this process hangs
/// before the commit, the server ends the session and releases the locks.
void let_go_in_time(PgSession& session);
/// Locks the lease until the open transaction ends, so that nobody can take it over. Throws
/// LeaseLost when somebody already has.
void hold_lease(PgSession& session, const std::string& schema, const std::string& token);

}  // namespace lugger
