#include "postgres/health.hpp"

#include "base/clock.hpp"
#include "postgres/session.hpp"

namespace lugger {

namespace {

double number(const PgRows& rows) {
  const std::string text = rows.text(0, 0);
  return text.empty() ? 0 : std::stod(text);
}

/// A standby that has replayed everything keeps showing its old lag until its next report.
std::string lag(PgSession& session, const ThrottleSpec& spec) {
  if (!spec.max_lag_s) return {};
  const double seconds = number(session.query(
      "SELECT extract(epoch FROM pg_catalog.max(greatest(write_lag, flush_lag, replay_lag)) "
      "FILTER (WHERE replay_lsn < pg_catalog.pg_current_wal_lsn())) FROM pg_stat_replication"));
  if (seconds <= *spec.max_lag_s) return {};
  return fmt::format("a standby is {:.1f} s behind (max_lag {:g} s)", seconds, *spec.max_lag_s);
}

std::string lock_waits(PgSession& session, const ThrottleSpec& spec) {
  if (!spec.max_lock_waits) return {};
  const double waits = number(session.query(
      "SELECT pg_catalog.count(*) FROM pg_stat_activity WHERE datname = "
      "pg_catalog.current_database() AND wait_event_type = 'Lock' AND application_name "
      "NOT LIKE 'lugger %'"));
  if (waits <= *spec.max_lock_waits) return {};
  return fmt::format("{:g} {} for a lock (max_lock_waits {:g})", waits,
                     waits == 1 ? "session waits" : "sessions wait", *spec.max_lock_waits);
}

std::string long_transaction(PgSession& session, const ThrottleSpec& spec) {
  if (!spec.max_long_transaction_s) return {};
  const double seconds = number(session.query(
      "SELECT extract(epoch FROM pg_catalog.max(pg_catalog.now() - xact_start)) FROM "
      "pg_stat_activity "
      "WHERE datname = pg_catalog.current_database() AND backend_type = 'client backend' AND "
      "application_name NOT LIKE 'lugger %' AND pid <> pg_catalog.pg_backend_pid()"));
  if (seconds <= *spec.max_long_transaction_s) return {};
  return fmt::format("a transaction is {:.0f} s old (max_long_transaction {:g} s)", seconds,
                     *spec.max_long_transaction_s);
}

std::string canary(PgSession& session, const ThrottleSpec& spec) {
  if (spec.canary.empty()) return {};
  const Stopwatch watch;
  session.begin();
  try {
    session.execute(
        fmt::format("SET LOCAL statement_timeout = {}", static_cast<int>(spec.canary_ms)));
    session.query(spec.canary);
    session.rollback();
  } catch (const Error& error) {
    session.rollback();
    if (error.sqlstate() == "57014")
      return fmt::format("the canary takes more than {:g} ms", spec.canary_ms);
    if (error.sqlstate().starts_with("42")) {
      throw Error(Code::kConfig, "throttle: canary: " + error.message(), error.hint(),
                  error.sqlstate());
    }
    throw;
  }
  if (watch.seconds() * 1000 <= spec.canary_ms) return {};
  return fmt::format("the canary took {:.0f} ms (canary_ms {:g})", watch.seconds() * 1000,
                     spec.canary_ms);
}

class PgHealth final : public Health {
 public:
  PgHealth(std::string url, bool pooled) : url_(std::move(url)), pooled_(pooled) {}

  /// Without the privilege to read statistics, other sessions show only their pid: a limit would
  /// never be reached, and nobody would notice.
  void require(const ThrottleSpec& limits) override {
    const char* limit = limits.max_lag_s                ? "max_lag"
                        : limits.max_lock_waits         ? "max_lock_waits"
                        : limits.max_long_transaction_s ? "max_long_transaction"
                                                        : nullptr;
    if (limit == nullptr) return;
    const PgRows rows = session().query(
        "SELECT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'), "
        "pg_catalog.quote_ident(current_user)");
    if (rows.text(0, 0) == "t") return;
    throw Error(Code::kConfig,
                fmt::format("throttle: {} needs the role pg_monitor: without it the server does "
                            "not show what other sessions and standbys do",
                            limit),
                fmt::format("GRANT pg_monitor TO {}, or leave {} out", rows.text(0, 1), limit));
  }

  std::string ask(const ThrottleSpec& limits) override {
    try {
      for (auto* question : {lag, lock_waits, long_transaction, canary}) {
        std::string reason = question(session(), limits);
        if (!reason.empty()) return reason;
      }
    } catch (...) {
      session_.reset();
      throw;
    }
    return {};
  }

 private:
  PgSession& session() {
    if (!session_ || !session_->alive())
      session_ = std::make_unique<PgSession>(url_, "throttle", pooled_);
    return *session_;
  }

  std::string url_;
  bool pooled_;
  std::unique_ptr<PgSession> session_;
};

}  // namespace

std::unique_ptr<Health> make_pg_health(std::string url, bool pooled) {
  return std::make_unique<PgHealth>(std::move(url), pooled);
}

}  // namespace lugger
