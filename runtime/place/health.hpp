// The health of a target. A run asks for it and waits when others need the server.
#pragma once
#include <optional>
#include <string>

namespace lugger {

/// Limits. A value that is not set is not asked for.
struct ThrottleSpec {
  std::optional<double> max_lag_s;               // of the slowest standby
  std::optional<double> max_lock_waits;          // sessions that wait for a lock
  std::optional<double> max_long_transaction_s;  // age of the oldest transaction
  std::string canary;                            // a query, and how long it may take
  double canary_ms = 1000;
  double rows_per_s = 0;  // 0: as fast as it goes
  double source_mbps =
      0;  // megabytes a second that are read from the source; 0: as fast as it goes

  bool asks_target() const noexcept {
    return max_lag_s || max_lock_waits || max_long_transaction_s || !canary.empty();
  }
};

/// Asks for the health on behalf of one run. Used by one thread at a time.
class Health {
 public:
  virtual ~Health() = default;
  /// Error{config} when the role may not read what a limit needs.
  virtual void require(const ThrottleSpec& limits) = 0;
  /// The values that exceed their limit, in words; "" when none does. Error{config} when the canary
  /// is not a query. Error{connect} when the target cannot be reached; the next call tries again.
  virtual std::string ask(const ThrottleSpec& limits) = 0;
};

}  // namespace lugger
