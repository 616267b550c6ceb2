// One process a job: a lock of our session, or with a pooler a row that is renewed.
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "postgres/session.hpp"

namespace lugger {

/// A session lock goes with the process that held it, so after kill -9 the job can be run again at
/// once. Where the server does not hear that the process is gone, its heartbeat tells: whoever asks
/// for the job a minute after the last one ends what the server still has of it. Through a pooler in
/// transaction mode sessions are not ours: there the row expires after a minute without a heartbeat.
class PgLease {
 public:
  PgLease(std::string url, const std::string& schema, bool pooled);
  ~PgLease();
  PgLease(const PgLease&) = delete;
  PgLease& operator=(const PgLease&) = delete;

  /// `session` must live as long as the lease unless pooled. False: `holder` tells who has it.
  bool take(PgSession& session, const std::string& job, std::string& holder);
  /// The same behind a lost connection. False also where somebody had it meanwhile: what this
  /// process knows of the job is of yesterday.
  bool take_again(PgSession& session, std::string& holder);
  void release(PgSession& session) noexcept;
  const std::string& job() const noexcept { return job_; }
  /// What the row holds while the lease is ours, and what units are marked with (mark_unit()).
  const std::string& token() const noexcept { return token_; }

 private:
  struct Seen;
  bool take_patiently(PgSession& session, const std::string& job, std::string& holder, bool again);
  bool take_once(PgSession& session, const std::string& job, std::string& holder, bool again);
  Seen look(PgSession& session, const std::string& job);
  std::string lock_key(const std::string& job) const;
  bool take_row(PgSession& session, const std::string& job, const std::string& expires);
  void keep_alive();
  void beat(std::unique_ptr<PgSession>& session) noexcept;
  std::string url_, schema_, token_, job_;
  bool pooled_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::jthread heart_;
};

/// Marks the open transaction as one that loads under a claim or a lease, so that whoever takes
/// that over can end it: its rows could keep others waiting.
void mark_unit(PgSession& session, const std::string& token);
std::string unit_key(const std::string& token);
/// Of the open transaction, which is about to lock rows of the ledger: should this process hang
/// before it commits, the server is to let them go.
void let_go_in_time(PgSession& session);
/// Keeps the lease from being taken over until the open transaction ends; Error{conflict} when it
/// was.
void hold_lease(PgSession& session, const std::string& schema, const std::string& token);

}  // namespace lugger
