// The heartbeat of this process: it renews the leases that it holds.
#pragma once
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "base/stop.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// One thread and one session for all leases of a server's ledger, however many jobs run. The
/// session is opened with the first heartbeat, some seconds after the first lease.
class PgHeart {
 public:
  /// The only one of a ledger, which lives as long as somebody holds it. `schema` is quoted.
  /// Error{config} when no thread can be started.
  static std::shared_ptr<PgHeart> of(const std::string& url, const std::string& schema,
                                     bool pooled);
  PgHeart(std::string url, std::string schema, bool pooled);
  ~PgHeart();
  PgHeart(const PgHeart&) = delete;
  PgHeart& operator=(const PgHeart&) = delete;

  void keep(const std::string& token);
  void leave(const std::string& token) noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  void work();
  bool beat(const std::set<std::string>& tokens) noexcept;

  const std::string url_, schema_;
  const bool pooled_;
  std::unique_ptr<PgSession> session_;  // of the thread
  StopFlag stop_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::set<std::string> tokens_;
  Clock::time_point due_;
  std::jthread thread_;
};

/// When a lease behind a pooler has expired, in SQL.
std::string lease_expiry();

}  // namespace lugger
