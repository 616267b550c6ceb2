#include "postgres/lease.hpp"

#include "base/digest.hpp"
#include "base/stop.hpp"
#include "base/this_process.hpp"
#include "place/state.hpp"
#include "postgres/lost.hpp"

namespace lugger {
namespace {

// If the previous process was killed just now, the server may take this long to notice that its
// idle session has gone.
constexpr int kTries = 20;
constexpr auto kPause = std::chrono::milliseconds(50);
constexpr std::string_view kLastHeard = "pg_catalog.now() - interval '60 s'";

}  // namespace

PgLease::PgLease(std::string url, const std::string& schema, bool pooled)
    : url_(std::move(url)), schema_(PgSession::quote_name(schema)), pooled_(pooled) {
  const Uuid id = uuid_v7();
  token_ = uuid_text(id.data());
}

PgLease::~PgLease() {
  if (heart_) heart_->leave(token_);
}

/// Writes the holder into the row. Fails while the heartbeat of another pooled holder is recent.
bool PgLease::take_row(PgSession& session, const std::string& job, const std::string& expires) {
  return session
             .query(fmt::format("INSERT INTO {0}.leases AS l (job, holder, token, expires_at) "
                                "VALUES ($1, $2, $3, {1}) "
                                "ON CONFLICT (job) DO UPDATE SET holder = excluded.holder, token = "
                                "excluded.token, "
                                "taken_at = pg_catalog.now(), expires_at = excluded.expires_at, "
                                "beat_at = NULL "
                                "WHERE l.token = excluded.token OR l.expires_at IS NULL OR "
                                "l.expires_at < pg_catalog.now() "
                                "RETURNING 1",
                                schema_, expires),
                    {job, this_process(), token_})
             .size() == 1;
}

/// What is known about the job's holder.
struct PgLease::Seen {
  bool locked = false;        // by us, now
  std::string token, holder;  // of the row; "": there is none
  bool silent = false;        // whoever holds the lock no longer sends heartbeats
  bool free = true;           // the row does not show a live holder behind a pooler
};

std::string lease_key(const std::string& quoted_schema, const std::string& job) {
  return "lugger " + quoted_schema + " " + job;
}

/// Takes the lock if it is free. Through a pooler the lock ends with the transaction; it only
/// proves that no direct session holds the job.
PgLease::Seen PgLease::look(PgSession& session, const std::string& job) {
  const PgRows rows = session.query(
      fmt::format(
          "SELECT {}(pg_catalog.hashtextextended($1, 0)), token, holder, coalesce(beat_at < {}, "
          "false), coalesce(expires_at < pg_catalog.now(), true) FROM (SELECT) AS one LEFT JOIN "
          "{}.leases ON job = $2",
          pooled_ ? "pg_catalog.pg_try_advisory_xact_lock" : "pg_catalog.pg_try_advisory_lock",
          kLastHeard, schema_),
      {lease_key(schema_, job), job});
  return {rows.text(0, 0) == "t", rows.text(0, 1), rows.text(0, 2), rows.text(0, 3) == "t",
          rows.text(0, 4) == "t"};
}

bool PgLease::take(PgSession& session, const std::string& job, std::string& holder) {
  return take_patiently(session, job, holder, false);
}

bool PgLease::take_again(PgSession& session, std::string& holder) {
  return take_patiently(session, std::string(job_), holder, true);
}

bool PgLease::take_patiently(PgSession& session, const std::string& job, std::string& holder,
                             bool again) {
  for (int tries = 1; !take_once(session, job, holder, again); ++tries) {
    if (pooled_ || tries == kTries) return false;
    std::this_thread::sleep_for(kPause);
  }
  job_ = job;
  try {
    if (!heart_) heart_ = PgHeart::of(url_, schema_, pooled_);
    heart_->keep(token_);
  } catch (const Error&) {
    if (pooled_) throw;  // without a pooler, the lock shows that we live
  }
  return true;
}

/// `again`: we held it before, so the row must exist.
bool PgLease::take_once(PgSession& session, const std::string& job, std::string& holder,
                        bool again) {
  session.begin();
  try {
    const Seen seen = look(session, job);
    const bool others = !seen.token.empty() && seen.token != token_;
    if (!seen.locked && seen.silent)
      end_holders(session, {lease_key(schema_, job), unit_key(seen.token)});
    // What a killed process left running could continue beside us or block us.
    if (seen.locked && others && seen.free) end_holders(session, {unit_key(seen.token)});
    const bool gone = again && seen.token != token_;
    if (!seen.locked || gone || !take_row(session, job, pooled_ ? lease_expiry() : "NULL")) {
      holder = seen.holder.empty() ? "another process" : seen.holder;
      session.rollback();
      return false;
    }
    session.commit();
  } catch (...) {
    session.rollback();
    throw;
  }
  return true;
}

void PgLease::release(PgSession& session) noexcept try {
  if (job_.empty()) return;
  const Tidying tidying;
  session.query(fmt::format("DELETE FROM {}.leases WHERE job = $1 AND token = $2", schema_),
                {job_, token_});
  if (heart_) heart_->leave(token_);
  job_.clear();
} catch (const std::exception&) {
  // The lock ends with the session; the row expires.
}

void let_go_in_time(PgSession& session) {
  session.execute("SET LOCAL idle_in_transaction_session_timeout = '30s'");
}

std::string unit_key(const std::string& token) { return "lugger claim " + token; }

void mark_unit(PgSession& session, const std::string& token) {
  session.query(
      "SELECT pg_catalog.pg_advisory_xact_lock_shared(pg_catalog.hashtextextended($1, 0))",
      {unit_key(token)});
}

void hold_lease(PgSession& session, const std::string& schema, const std::string& token) {
  let_go_in_time(session);
  const PgRows rows = session.query(
      fmt::format("SELECT 1 FROM {}.leases WHERE token = $1 FOR SHARE", schema), {token});
  if (rows.size() == 0) throw LeaseLost();
}

}  // namespace lugger
