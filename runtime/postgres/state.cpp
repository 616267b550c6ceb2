#include "postgres/state.hpp"

#include "base/text.hpp"
#include "postgres/claims.hpp"
#include "postgres/lease.hpp"
#include "postgres/session_pool.hpp"
#include "postgres/state_ddl.hpp"
#include "postgres/state_feed.hpp"
#include "postgres/state_notices.hpp"
#include "postgres/state_read.hpp"
#include "postgres/state_steps.hpp"
#include "postgres/state_watch.hpp"

namespace lugger {
namespace {

constexpr std::string_view kIso =
    R"(pg_catalog.to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))";
std::string iso(std::string_view column) { return fmt::format(fmt::runtime(kIso), column); }

std::optional<std::string> or_now(const std::string& text) {
  return text.empty() ? std::nullopt : std::make_optional(text);
}

class PgState final : public State {
 public:
  PgState(std::string url, std::string schema, bool pooled)
      : url_(std::move(url)),
        name_(std::move(schema)),
        schema_(PgSession::quote_name(name_)),
        pooled_(pooled),
        lease_(url_, name_, pooled),
        idle_(SessionPool::of(url_)) {}
  ~PgState() override {
    if (session_ != nullptr && session_->alive()) lease_.release(*session_);
  }

  void ensure() override;
  std::optional<RunRecord> latest(const std::string& job) override {
    return first(read_runs("WHERE job = $1 AND mode <> $2", {job, std::string(kFollowMode)}, 1));
  }
  std::optional<RunRecord> latest_follow(const std::string& job) override {
    return first(read_runs("WHERE job = $1 AND mode = $2", {job, std::string(kFollowMode)}, 1));
  }
  void accept_script(const RunRecord& run) override {
    session().query(
        fmt::format("UPDATE {}.runs SET script_hash = $2, command = $3 WHERE run = $1", schema_),
        {run.run, run.script_hash, run.command});
  }
  std::optional<RunRecord> find(const std::string& run) override {
    return first(read_runs("WHERE run = $1", {run}, 1));
  }
  std::vector<RunRecord> runs(size_t limit) override { return read_runs("", {}, limit); }
  void start(const RunRecord& run, const std::vector<PartitionRecord>& partitions) override;
  std::vector<PartitionRecord> partitions(const std::string& run) override;
  void set_status(const std::string& run, RunStatus status, const std::string& message) override {
    session().query(
        fmt::format("UPDATE {0}.runs SET status = $2, message = $3, updated_at = "
                    "pg_catalog.now() WHERE run = $1 AND "
                    "($4 = '' OR EXISTS (SELECT FROM {0}.leases WHERE token = $4))",
                    schema_),
        {run, std::string(status.word()), ledger_text(session(), message), lease_token()});
  }
  bool lease(const std::string& job, std::string& holder) override {
    return lease_.take(session(), job, holder);
  }
  std::string lease_token() const override {
    return lease_.job().empty() ? std::string() : lease_.token();
  }
  uint64_t count_rejects(const std::string& job) override {
    if (!exists(session())) return 0;
    return number_at(
        session().query(
            fmt::format("SELECT pg_catalog.count(*) FROM {}.rejects WHERE job = $1", schema_),
            {job}),
        0, 0);
  }
  void each_reject(const std::string& job, const std::function<bool(const RejectRecord&)>& use,
                   int64_t after) override;
  int64_t last_reject(const std::string& job) override {
    const std::string sql = fmt::format(
        "SELECT coalesce(pg_catalog.max(reject), 0) FROM {}.rejects WHERE job = $1", schema_);
    return exists(session()) ? static_cast<int64_t>(number_at(session().query(sql, {job}), 0, 0))
                             : 0;
  }
  void delete_rejects(const std::vector<int64_t>& rejects) override {
    session().query(
        fmt::format("DELETE FROM {}.rejects WHERE reject = ANY ($1::bigint[])", schema_),
        {fmt::format("{{{}}}", fmt::join(rejects, ","))});
  }
  void delete_other_rejects(const std::string& job, const std::string& run) override {
    session().query(fmt::format("DELETE FROM {}.rejects WHERE job = $1 AND run <> $2", schema_),
                    {job, run});
  }
  std::vector<StepRecord> steps(const std::string& job) override {
    return read_steps(session(), schema_, job);
  }
  std::optional<FeedRecord> feed(const std::string& job) override {
    // Who may only read meets older ledgers.
    const bool kept = exists(session()) && version(session()) >= kFeedsSince;
    return kept ? read_feed(session(), schema_, job) : std::nullopt;
  }
  void begin_feed(const FeedRecord& record) override {
    write_feed(session(), schema_, lease_token(), record);
  }
  uint64_t spool(const std::string& job, std::span<const std::string_view> keys,
                 const std::string& position, uint64_t time) override {
    return spool_keys(session(), schema_, lease_token(), {job, keys, position, time});
  }
  SpooledPage spooled_page(const std::string& job, const std::string& after,
                           size_t limit) override {
    return read_spooled(session(), schema_, job, after, limit);
  }
  void tell(const std::string& job, const std::string& facts) override {
    write_told(session(), schema_, job, facts);
  }
  std::vector<WatchRecord> told() override {
    const bool kept = exists(session()) && version(session()) >= kWatchedSince;
    return kept ? read_told(session(), schema_) : std::vector<WatchRecord>();
  }
  void note(const std::vector<Notice>& notices) override {
    PgSession& session = this->session();
    session.begin();
    try {
      write_notices(session, schema_, notices);
      session.commit();
    } catch (...) {
      session.rollback();
      throw;
    }
  }
  std::vector<Notice> notices(const std::string& job) override {
    const bool kept = exists(session()) && version(session()) >= kNoticesSince;
    return kept ? read_notices(session(), schema_, job) : std::vector<Notice>();
  }
  void ask(const std::string& job, std::span<const std::string_view> keys) override {
    ask_for_keys(session(), schema_, job, keys);
  }
  std::vector<SpooledKey> asked_keys(const std::string& job, size_t limit) override {
    return read_asked(session(), schema_, job, limit);
  }
  RefusedPage refused_keys(const std::string& job, size_t limit) override {
    return read_refused(session(), schema_, job, limit);
  }
  bool joinable() const override { return true; }
  std::unique_ptr<Claims> join(const std::string& run) override {
    return make_pg_claims(url_, name_, pooled_, run);
  }
  void open_to_claims(const std::string& run) override {
    lugger::open_to_claims(session(), schema_, run);
  }
  std::string close_to_claims(const std::string& run) override {
    return lugger::close_to_claims(session(), schema_, run);
  }
  void put_step(const StepRecord& step) override { write_step(session(), schema_, step); }
  Pruned prune(uint64_t keep, uint64_t seconds) override {
    return prune_runs(session(), name_, keep, seconds);
  }

 private:
  static std::optional<RunRecord> first(std::vector<RunRecord> runs) {
    return runs.empty() ? std::nullopt : std::make_optional(std::move(runs.front()));
  }
  /// Whoever is in a transaction keeps to the session it began in: this one may be another.
  PgSession& session();
  bool exists(PgSession& session);
  int version(PgSession& session) const;
  void upgrade();
  std::vector<RunRecord> read_runs(std::string_view where, const PgParams& params, size_t limit);
  void insert_partitions(PgSession& session, const std::string& run,
                         const std::vector<PartitionRecord>& partitions) const;

  std::string url_, name_, schema_;
  bool pooled_, there_ = false;  // the ledger, once it was seen
  PgLease lease_;
  std::shared_ptr<SessionPool> idle_;
  LentSession session_;
};

/// Connects on first use, and again after a loss; a session lock lost with the connection is taken
/// anew.
PgSession& PgState::session() {
  if (session_ != nullptr && !session_->was_ended()) return *session_;
  session_.reset();  // before its successor, which ends what the server still has of it
  session_ = idle_->lend("state", pooled_, PgPath::kCatalog);
  const std::string job = lease_.job();
  std::string holder;
  if (!job.empty() && !pooled_ && !lease_.take_again(*session_, holder)) {
    session_.reset();
    raise(Code::kConflict, "{} was taken over by {} while the connection was lost", job, holder);
  }
  return *session_;
}

/// Not by to_regclass: within a transaction that waited for another one it may answer from before.
bool PgState::exists(PgSession& session) {
  if (there_) return true;
  there_ = session
               .query_again(
                   "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace "
                   "n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = 'meta')",
                   {name_})
               .text(0, 0) == "t";
  return there_;
}

int PgState::version(PgSession& session) const {
  const PgRows rows =
      session.query(fmt::format("SELECT pg_catalog.max(version) FROM {}.meta", schema_));
  const int found = static_cast<int>(number_at(rows, 0, 0));
  if (found > kStateVersion) {
    throw Error(
        Code::kConfig,
        fmt::format("schema {} was written by a newer lugger (version {}, this one knows {})",
                    name_, found, kStateVersion),
        "use that lugger, or another schema with --state-schema");
  }
  return found;
}

void PgState::upgrade() {
  PgSession& session = this->session();
  session.begin();
  try {
    // Two processes that start at once: the second waits here and finds all made.
    session.query("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 1))",
                  {"lugger " + schema_});
    int found = 0;
    if (exists(session)) {
      found = version(session);
    } else if (session.query("SELECT pg_catalog.to_regnamespace($1) IS NULL", {schema_})
                   .text(0, 0) == "t") {
      session.execute(
          fmt::format("CREATE SCHEMA {0}; REVOKE ALL ON SCHEMA {0} FROM PUBLIC", schema_));
    }
    for (; found < kStateVersion; ++found) session.execute(state_step(found, name_));
    session.commit();
  } catch (...) {
    session.rollback();
    throw;
  }
}

void PgState::ensure() try {
  if (PgSession& now = session(); exists(now) && version(now) == kStateVersion) return;
  upgrade();
} catch (const Error& error) {
  if (error.sqlstate() != "42501") throw;
  throw Error(Code::kConfig,
              fmt::format("cannot keep state in schema {}: {}", name_, error.message()),
              "have someone with the right run what `lugger state sql` prints, or name a schema of "
              "yours: state_schema = '...' in lugger.target(...)",
              error.sqlstate());
}

std::vector<RunRecord> PgState::read_runs(std::string_view where, const PgParams& params,
                                          size_t limit) {
  if (!exists(session())) return {};
  const PgRows rows = session().query_again(
      fmt::format("SELECT run, job, script_hash, source, source_identity, mode, status, command, "
                  "message, run_now, {}, {}, (pg_catalog.to_jsonb(r) ->> 'joint')::boolean, "
                  "t.* FROM {}.runs r CROSS JOIN LATERAL (SELECT {} , pg_catalog.max(updated_at) "
                  "AS last FROM "
                  "{}.partitions p "
                  "WHERE p.run = r.run) t {} ORDER BY started_at DESC, run DESC LIMIT {}",
                  iso("started_at"), iso("greatest(r.updated_at, t.last)"), schema_,
                  tally_columns("pg_catalog.sum({})"), schema_, where, limit),
      params);
  std::vector<RunRecord> out;
  for (size_t i = 0; i < rows.size(); ++i) {
    RunRecord& run = out.emplace_back();
    std::string status;
    size_t column = 0;
    for (std::string* field :
         {&run.run, &run.job, &run.script_hash, &run.source, &run.source_identity, &run.mode,
          &status, &run.command, &run.message, &run.now, &run.started, &run.updated}) {
      *field = rows.text(i, column++);
    }
    run.status = RunStatus::of(status);
    run.joint = rows.text(i, column++) == "t";
    run.tally = tally_at(rows, i, column);
  }
  return out;
}

void PgState::insert_partitions(PgSession& session, const std::string& run,
                                const std::vector<PartitionRecord>& partitions) const {
  constexpr size_t kRows = 500, kColumns = 9;
  for (size_t from = 0; from < partitions.size(); from += kRows) {
    PgParams params;
    std::string values;
    for (size_t i = from; i < std::min(from + kRows, partitions.size()); ++i) {
      const PartitionRecord& partition = partitions[i];
      std::string row;
      for (size_t k = 1; k <= kColumns; ++k)
        row += fmt::format("{}${}", k == 1 ? "" : ", ", params.size() + k);
      values += fmt::format("{}({})", values.empty() ? "" : ", ", row);
      params.insert(params.end(),
                    {run, partition.id, std::to_string(i), partition.spec, partition.position,
                     std::to_string(partition.bytes), partition.done ? "true" : "false",
                     partition.start, std::to_string(partition.phase)});
    }
    session.query(fmt::format("INSERT INTO {}.partitions (run, partition, ordinal, spec, "
                              "position, bytes_total, done, start, phase) "
                              "VALUES {}",
                              schema_, values),
                  params);
  }
}

void PgState::start(const RunRecord& run, const std::vector<PartitionRecord>& partitions) {
  PgSession& session = this->session();
  session.begin();
  try {
    session.query(
        fmt::format(
            "INSERT INTO {0}.runs (run, job, script_hash, source, source_identity, mode, status, "
            "command, message, run_now, started_at, joint) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
            "$9, coalesce($10, {1}), coalesce($11::timestamptz, pg_catalog.now()), $12)",
            schema_, iso("pg_catalog.now()")),
        {run.run, run.job, run.script_hash, run.source, run.source_identity, run.mode,
         std::string(run.status.word()), run.command, ledger_text(session, run.message),
         or_now(run.now), or_now(run.started), run.joint ? "true" : "false"});
    insert_partitions(session, run.run, partitions);
    session.commit();
  } catch (...) {
    session.rollback();
    throw;
  }
}

std::vector<PartitionRecord> PgState::partitions(const std::string& run) {
  const PgRows rows = session().query(
      fmt::format("SELECT {} FROM {}.partitions p WHERE run = $1 ORDER BY ordinal, partition",
                  partition_columns(), schema_),
      {run});
  std::vector<PartitionRecord> out;
  for (size_t i = 0; i < rows.size(); ++i) out.push_back(partition_at(rows, i));
  return out;
}

void PgState::each_reject(const std::string& job,
                          const std::function<bool(const RejectRecord&)>& use, int64_t after) {
  constexpr size_t kPage = 50;
  if (!exists(session())) return;
  // Who may only read meets older ledgers.
  const bool tells_operation = version(session()) >= 7;
  const std::string sql = fmt::format(
      "SELECT reject, run, job, \"table\", document_id, \"column\", code, message, document, "
      "pg_catalog.encode(raw, 'hex'), {}, {} FROM {}.rejects WHERE job = $1 AND reject > "
      "$2::bigint ORDER BY "
      "reject LIMIT {}",
      iso("at"), tells_operation ? "operation" : "''", schema_, kPage);
  for (int64_t last = after;;) {
    const PgRows rows = session().query(sql, {job, std::to_string(last)});
    for (size_t i = 0; i < rows.size(); ++i) {
      RejectRecord reject;
      reject.reject = last = std::stoll(rows.text(i, 0));
      size_t column = 1;
      for (std::string* field : {&reject.run, &reject.job, &reject.table, &reject.document_id,
                                 &reject.column, &reject.code, &reject.message, &reject.document}) {
        *field = rows.text(i, column++);
      }
      reject.raw = from_hex(rows.text(i, column++)).value_or("");
      reject.at = rows.text(i, column++);
      reject.operation = operation_of(rows.text(i, column));
      if (!use(reject)) return;
    }
    if (rows.size() < kPage) return;
  }
}

}  // namespace

std::unique_ptr<State> make_pg_state(const std::string& url, const std::string& schema,
                                     bool pooled) {
  return std::make_unique<PgState>(url, schema, pooled);
}

}  // namespace lugger
