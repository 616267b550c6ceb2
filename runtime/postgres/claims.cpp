#include "postgres/claims.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/digest.hpp"
#include "base/this_process.hpp"
#include "base/threads.hpp"
#include "postgres/lease.hpp"
#include "postgres/lost.hpp"
#include "postgres/state_read.hpp"

namespace lugger {
namespace {

constexpr auto kBeat = std::chrono::seconds(5);
// Six missed heartbeats.
constexpr std::string_view kExpiry = "pg_catalog.now() + interval '30 s'";

/// Over {schema}.partitions p: nobody holds it, or the holder is gone. A process's lock ends with
/// its session; a process that hangs or is cut off does not renew its claim.
constexpr std::string_view kFree =
    "(p.claim IS NULL OR p.expires_at < pg_catalog.now() OR (p.member_lock IS NOT NULL AND "
    "p.member <> $2 AND "
    "pg_catalog.pg_try_advisory_xact_lock_shared(p.member_lock)))";

/// The advisory lock that a process holds while it lives.
std::string member_key(const std::string& member) { return "lugger member " + member; }

std::string new_id() {
  const Uuid id = uuid_v7();
  return uuid_text(id.data());
}

template <typename Work>
auto in_transaction(PgSession& session, Work&& work) {
  session.begin();
  try {
    let_go_in_time(session);
    auto out = work();
    session.commit();
    return out;
  } catch (...) {
    session.rollback();
    throw;
  }
}

class PgClaims final : public Claims {
 public:
  PgClaims(std::string url, const std::string& schema, bool pooled, std::string run)
      : url_(std::move(url)),
        schema_(PgSession::quote_name(schema)),
        run_(std::move(run)),
        member_(new_id()),
        pooled_(pooled),
        heart_(start_thread([this] { keep_alive(); })) {}
  ~PgClaims() override {
    {
      const std::lock_guard guard(mutex_);
      stop_ = true;
    }
    stopping_.notify_all();
    heart_.join();
  }
  PgClaims(const PgClaims&) = delete;
  PgClaims& operator=(const PgClaims&) = delete;

  Claimed take() override {
    const std::lock_guard guard(mutex_);
    PgSession& session = this->session();
    std::string before;
    Claimed out = in_transaction(session, [&] { return take_in(session, before); });
    // The old unit may still be in progress, if its process hangs or its host is unreachable.
    if (!before.empty()) end_holders(session, {unit_key(before)});
    return out;
  }

  void give_back() noexcept override try {
    const std::lock_guard guard(mutex_);
    session().query(
        fmt::format("UPDATE {}.partitions SET claim = NULL, member = NULL, holder = NULL, "
                    "member_lock = NULL, expires_at = NULL WHERE run = $1 AND member = $2 AND NOT "
                    "done",
                    schema_),
        {run_, member_});
  } catch (const std::exception&) {
    // They expire, or end with the session.
  }

  bool others() override {
    const std::lock_guard guard(mutex_);
    PgSession& session = this->session();
    return in_transaction(session, [&] {
      return session
                 .query(fmt::format("SELECT 1 FROM {}.partitions p WHERE run = $1 AND NOT done AND "
                                    "member IS DISTINCT FROM $2 AND NOT {} LIMIT 1",
                                    schema_, kFree),
                        {run_, member_})
                 .size() != 0;
    });
  }

  Tally seen() override {
    const std::lock_guard guard(seen_mutex_);
    return seen_;
  }

 private:
  /// A session with the lock that shows that this process lives. A new session takes the lock
  /// again; partitions that others have claimed meanwhile stay theirs.
  PgSession& session() {
    if (session_ != nullptr && !session_->was_ended()) return *session_;
    session_.reset();
    auto session = std::make_unique<PgSession>(url_, "claim", pooled_, PgPath::kCatalog);
    if (!pooled_) {
      session->query("SELECT pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended($1, 0))",
                     {member_key(member_)});
    }
    session_ = std::move(session);
    return *session_;
  }

  Claimed take_in(PgSession& session, std::string& before) {
    if (session
            .query(fmt::format("SELECT 1 FROM {}.runs WHERE run = $1 AND joint AND status <> "
                               "'abandoned' FOR SHARE",
                               schema_),
                   {run_})
            .size() == 0) {
      throw Error(Code::kConflict, "the run was taken over or given up by another process",
                  "`lugger runs` shows what became of it");
    }
    const PgRows rows = session.query(
        fmt::format(
            "SELECT partition, claim FROM {}.partitions p WHERE run = $1 AND NOT done AND "
            "phase = (SELECT pg_catalog.min(phase) FROM {}.partitions WHERE run = $1 AND NOT done) "
            "AND {} ORDER BY ordinal, partition LIMIT 1 FOR UPDATE SKIP LOCKED",
            schema_, schema_, kFree),
        {run_, member_});
    if (rows.size() == 0) return look(session);
    before = rows.text(0, 1);
    return take_row(session, rows.text(0, 0));
  }

  Claimed take_row(PgSession& session, const std::string& partition) {
    const std::string claim = new_id();
    const std::string lock = pooled_ ? "NULL" : "pg_catalog.hashtextextended($6, 0)";
    PgParams params{run_, partition, claim, member_, this_process()};
    if (!pooled_) params.emplace_back(member_key(member_));
    const PgRows rows = session.query(
        fmt::format("UPDATE {}.partitions p SET claim = $3, member = $4, holder = $5, member_lock "
                    "= {}, expires_at = {} WHERE run = $1 AND partition = $2 RETURNING {}",
                    schema_, lock, kExpiry, partition_columns()),
        params);
    claims_.push_back(claim);
    Claimed out;
    out.partition = partition_at(rows, 0);
    return out;
  }

  /// Called when no partition is free.
  Claimed look(PgSession& session) {
    const PgRows rows = session.query(
        fmt::format("SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE member = $2), "
                    "pg_catalog.string_agg(DISTINCT holder, ', ') FILTER (WHERE member <> $2) "
                    "FROM {}.partitions WHERE run = $1 AND NOT done",
                    schema_),
        {run_, member_});
    Claimed out;
    out.all_done = rows.text(0, 0) == "0";
    if (rows.text(0, 1) == "0") out.others = rows.text(0, 2);
    return out;
  }

  void keep_alive() {
    std::unique_lock<std::mutex> guard(mutex_);
    while (!stopping_.wait_for(guard, kBeat, [this] { return stop_; })) beat();
  }

  /// Renews only claims that are known to be ours: a claim whose answer was lost must expire.
  void beat() noexcept try {
    PgSession& session = this->session();
    session.query(
        fmt::format("UPDATE {}.partitions SET expires_at = {} WHERE run = $1 AND claim = ANY "
                    "($2::text[]) AND NOT done",
                    schema_, kExpiry),
        {run_, fmt::format("{{{}}}", fmt::join(claims_, ","))});
    const Tally now = tally_of_run(session, schema_, run_);
    const std::lock_guard guard(seen_mutex_);
    seen_ = now;
  } catch (const std::exception&) {
    session_.reset();  // the next heartbeat opens a new session
  }

  std::string url_, schema_, run_, member_;
  bool pooled_;
  std::mutex seen_mutex_;
  Tally seen_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable stopping_;
  bool stop_ = false;
  std::unique_ptr<PgSession> session_;
  std::vector<std::string> claims_;  // in the order in which they were claimed
  std::jthread heart_;
};

}  // namespace

std::unique_ptr<Claims> make_pg_claims(const std::string& url, const std::string& schema,
                                       bool pooled, const std::string& run) {
  return std::make_unique<PgClaims>(url, schema, pooled, run);
}

void open_to_claims(PgSession& session, const std::string& schema, const std::string& run) {
  session.query(fmt::format("UPDATE {}.runs SET joint = true WHERE run = $1", schema), {run});
}

std::string close_to_claims(PgSession& session, const std::string& schema, const std::string& run) {
  session.begin();
  try {
    let_go_in_time(session);
    // Waits for claims in progress, and prevents new ones.
    session.query(fmt::format("UPDATE {}.runs SET joint = false WHERE run = $1", schema), {run});
    const PgRows rows = session.query(fmt::format("SELECT pg_catalog.string_agg(DISTINCT holder, "
                                                  "', ') FROM {}.partitions p WHERE run = $1 "
                                                  "AND NOT done AND NOT {}",
                                                  schema, kFree),
                                      {run, ""});
    std::string who = rows.text(0, 0);
    if (!who.empty()) {
      session.rollback();
      return who;
    }
    // A process that was suspended finds that its claim is gone.
    session.query(fmt::format("UPDATE {}.partitions SET claim = NULL, member = NULL, holder = "
                              "NULL, member_lock = NULL, expires_at = NULL WHERE run = $1 AND NOT "
                              "done",
                              schema),
                  {run});
    session.commit();
    return who;
  } catch (...) {
    session.rollback();
    throw;
  }
}

void hold_claim(PgSession& session, const std::string& schema, const std::string& run,
                const std::string& partition, const std::string& claim) {
  let_go_in_time(session);
  const PgRows rows = session.query(
      fmt::format("SELECT 1 FROM {}.partitions WHERE run = $1 AND partition = $2 AND claim = $3 "
                  "FOR NO KEY UPDATE",
                  schema),
      {run, partition, claim});
  if (rows.size() == 0) throw ClaimLost(partition);
}

}  // namespace lugger
