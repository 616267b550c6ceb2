// The target's health: asked now and then by a session of its own, so that a run can step back.
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "postgres/session.hpp"

namespace lugger {

/// Limits; what is not set is not asked for.
struct ThrottleSpec {
  std::optional<double> max_lag_s;               // of the slowest standby
  std::optional<double> max_lock_waits;          // sessions that wait for a lock
  std::optional<double> max_long_transaction_s;  // age of the oldest transaction
  std::string canary;                            // a query, and how long it may take
  double canary_ms = 1000;
  double rows_per_s = 0;  // 0: as fast as it goes

  bool asks_target() const noexcept {
    return max_lag_s || max_lock_waits || max_long_transaction_s || !canary.empty();
  }
};

/// Error{config} when the role may not see what the limits are about.
void require_statistics(PgSession& session, const ThrottleSpec& spec);

/// What stands above its limit, in words; "" when nothing does. Errors of the canary itself are
/// Error{config}.
std::string ask_health(PgSession& session, const ThrottleSpec& spec);

/// Asks in a thread of its own until it is destroyed. The constructor asks once, so that a query
/// that cannot work is told before the run begins.
class Throttle {
 public:
  Throttle(std::string url, bool pooled, ThrottleSpec spec);
  ~Throttle();
  Throttle(const Throttle&) = delete;
  Throttle& operator=(const Throttle&) = delete;

  bool healthy() const noexcept { return healthy_.load(std::memory_order_acquire); }
  std::string reason() const;

 private:
  void watch();
  void ask();
  void set(std::string reason);

  std::string url_;
  bool pooled_;
  ThrottleSpec spec_;
  std::unique_ptr<PgSession> session_;
  mutable std::mutex mutex_;
  std::condition_variable stopping_;
  bool stop_ = false;
  std::string reason_;
  std::atomic<bool> healthy_{true};
  std::thread thread_;
};

}  // namespace lugger
