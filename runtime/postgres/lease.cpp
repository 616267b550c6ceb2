#include "postgres/lease.hpp"

#include "base/digest.hpp"
#include "base/this_process.hpp"
#include "base/threads.hpp"

namespace lugger {
namespace {

constexpr auto kBeat = std::chrono::seconds(20);
// A process killed a moment ago: the server takes this long, at most, to notice that its idle
// session has gone.
constexpr int kTries = 20;
constexpr auto kPause = std::chrono::milliseconds(50);
// Three missed heartbeats.
constexpr std::string_view kExpiry = "pg_catalog.now() + interval '60 s'";

}  // namespace

void watch_peer(PgSession& session) {
  session.execute(
      "SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = "
      "4");
}

PgLease::PgLease(std::string url, const std::string& schema, bool pooled)
    : url_(std::move(url)), schema_(PgSession::quote_name(schema)), pooled_(pooled) {
  const Uuid id = uuid_v7();
  token_ = uuid_text(id.data());
}

PgLease::~PgLease() {
  {
    const std::lock_guard<std::mutex> guard(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
  if (heart_.joinable()) heart_.join();
}

/// The row says who; it refuses while another pooled holder's heartbeat is fresh.
bool PgLease::take_row(PgSession& session, const std::string& job, const std::string& expires) {
  return session
             .query(fmt::format("INSERT INTO {0}.leases AS l (job, holder, token, expires_at) "
                                "VALUES ($1, $2, $3, {1}) "
                                "ON CONFLICT (job) DO UPDATE SET holder = excluded.holder, token = "
                                "excluded.token, "
                                "taken_at = pg_catalog.now(), expires_at = excluded.expires_at "
                                "WHERE l.token = excluded.token OR l.expires_at IS NULL OR "
                                "l.expires_at < pg_catalog.now() "
                                "RETURNING 1",
                                schema_, expires),
                    {job, this_process(), token_})
             .size() == 1;
}

bool PgLease::take_lock(PgSession& session, const std::string& job) {
  // Transaction-level through a pooler: it only proves that no direct session holds the job.
  const std::string function =
      pooled_ ? "pg_catalog.pg_try_advisory_xact_lock" : "pg_catalog.pg_try_advisory_lock";
  return session
             .query(fmt::format("SELECT {}(pg_catalog.hashtextextended($1, 0))", function),
                    {"lugger " + schema_ + " " + job})
             .text(0, 0) == "t";
}

bool PgLease::take(PgSession& session, const std::string& job, std::string& holder) {
  for (int tries = 1; !take_once(session, job, holder); ++tries) {
    if (pooled_ || tries == kTries) return false;
    std::this_thread::sleep_for(kPause);
  }
  job_ = job;
  if (!pooled_) watch_peer(session);
  if (pooled_ && !heart_.joinable()) heart_ = start_thread([this] { keep_alive(); });
  return true;
}

bool PgLease::take_once(PgSession& session, const std::string& job, std::string& holder) {
  session.begin();
  try {
    const bool mine =
        take_lock(session, job) && take_row(session, job, pooled_ ? std::string(kExpiry) : "NULL");
    if (!mine) {
      const PgRows rows =
          session.query(fmt::format("SELECT holder FROM {}.leases WHERE job = $1", schema_), {job});
      holder = rows.size() == 0 ? "another process" : rows.text(0, 0);
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
  session.query(fmt::format("DELETE FROM {}.leases WHERE job = $1 AND token = $2", schema_),
                {job_, token_});
  job_.clear();
} catch (const std::exception&) {
  // The lock goes with the session, the row expires.
}

void PgLease::keep_alive() {
  std::unique_ptr<PgSession> session;
  std::unique_lock<std::mutex> guard(mutex_);
  while (!stopping_.wait_for(guard, kBeat, [this] { return stop_; })) {
    guard.unlock();
    beat(session);
    guard.lock();
  }
}

void PgLease::beat(std::unique_ptr<PgSession>& session) noexcept try {
  if (session == nullptr || !session->alive())
    session = std::make_unique<PgSession>(url_, "lease", true, PgPath::kCatalog);
  session->query(
      fmt::format("UPDATE {}.leases SET expires_at = {} WHERE token = $1", schema_, kExpiry),
      {token_});
} catch (const std::exception&) {
  session.reset();  // the next beat connects anew
}

}  // namespace lugger
