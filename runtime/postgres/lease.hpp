// One process a job: a lock of our session, or with a pooler a row that is renewed.
#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "postgres/session.hpp"

namespace lugger {

/// Has the server end the session within a minute when the host behind it is gone without a word.
void watch_peer(PgSession& session);

/// A session lock goes with the process that held it, so after kill -9 the job can be run again at
/// once. Through a pooler in transaction mode sessions are not ours: there the row expires after a
/// minute without a heartbeat.
class PgLease {
 public:
  PgLease(std::string url, const std::string& schema, bool pooled);
  ~PgLease();
  PgLease(const PgLease&) = delete;
  PgLease& operator=(const PgLease&) = delete;

  /// `session` must live as long as the lease unless pooled. False: `holder` tells who has it.
  bool take(PgSession& session, const std::string& job, std::string& holder);
  void release(PgSession& session) noexcept;
  const std::string& job() const noexcept { return job_; }
  /// What the row holds while the lease is ours.
  const std::string& token() const noexcept { return token_; }

 private:
  bool take_once(PgSession& session, const std::string& job, std::string& holder);
  bool take_lock(PgSession& session, const std::string& job);
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

}  // namespace lugger
