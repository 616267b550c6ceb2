#include "fix/engine.hpp"

#include "base/error.hpp"
#include "engine/start.hpp"
#include "place/target.hpp"
#include "postgres/health.hpp"
#include "postgres/target.hpp"
#include "registry/registry.hpp"

namespace lugger {

FixEngine::FixEngine(EngineSpec spec, FixSettings settings)
    : spec_(std::move(spec)), settings_(std::move(settings)) {
  prepare();
  conductor_.start(
      stop_, [this] { work(); },
      [this](const std::optional<Error>& failure) { return conclude(failure); });
}

FixEngine::~FixEngine() {
  stop(StopLevel::kNow);
  conductor_.join();
}

void FixEngine::connect() {
  session_.reset();
  session_ = std::make_unique<PgSession>(url_, spec_.kind, pooled_);
}

void FixEngine::prepare() {
  if (!kind_of(spec_.target).sql) {
    throw Error(Code::kConfig, "a fix works on a table of PostgreSQL",
                "on = lugger.target(lugger.env.PG_URI, { table = 'customers' })");
  }
  spec_.target_options.check("target", pg_target_options());
  url_ = resolve_pg_url(spec_.target, server_);
  pooled_ = spec_.target_options.flag("pooled") || PgSession::find_out(url_, "pooler")->pooled();
  schema_ = spec_.target_options.text("state_schema", "lugger");
  pace_.set_hours(settings_.window);
  connect();
  table_ = inspect_fix(*session_, spec_.table, spec_.key, spec_.set);
  report_.kind = spec_.kind;
  report_.table = spec_.table;
  report_.where = spec_.where;
  report_.applied = settings_.apply;
  report_.triggers = table_.triggers;
  report_.notes = table_.notes;
  counts_ = std::make_unique<FixTally>(table_, settings_.limit_shown);
  if (settings_.apply) {
    check_may_write(*session_, table_);
    prepare_ledger();
  }
  pace_.set_throttle(make_pg_health(url_, pooled_), spec_.throttle);
  source_ = spec_.source(table_, spec_.now, kept_keys());
}

void FixEngine::prepare_ledger() {
  ledger_ = std::make_unique<LedgerRun>(make_pg_state(url_, schema_, pooled_));
  State& state = ledger_->state();
  take_lease(state, spec_.name);
  hold_undone();
  run_ = new_run_id();
  part_.id = "0";
  const std::optional<RunRecord> latest = state.latest(spec_.name);
  if (latest && !settings_.restart && !is_unfinished(*latest)) refuse_half_undone(*latest);
  const Earlier earlier =
      ledger_->judge(latest, {spec_.name, spec_.script_hash, latest ? latest->source_identity : "",
                              settings_.restart, settings_.accept_changes, spec_.resume_command});
  if (earlier == Earlier::kNone) return;
  if (earlier != Earlier::kGoesOn) return ledger_->give_up(*latest);
  resumed_ = begun_ = true;
  unfinished_ = latest;
  run_ = latest->run;
  spec_.now = latest->now;
  for (PartitionRecord& part : state.partitions(run_)) part_ = std::move(part);
}

/// Claims the run that is to be undone: a run that is still active cannot be undone, and it must
/// not be resumed during the undo.
void FixEngine::hold_undone() {
  if (spec_.undoes.empty()) return;
  undone_ = std::make_unique<LedgerRun>(make_pg_state(url_, schema_, pooled_));
  const std::optional<RunRecord> run = undone_->state().find(spec_.undoes);
  std::string holder;
  if (!run || undone_->state().lease(run->job, holder)) return;
  throw Error(Code::kConflict, fmt::format("{} still runs ({})", run->job, holder),
              fmt::format("wait for it, or stop it first: lugger ctl {} stop", run->run));
}

/// Ends the undone run: resuming it after its last page would skip the rows that were restored.
void FixEngine::end_undone() {
  if (spec_.undoes.empty()) return;
  const std::optional<RunRecord> run = undone_->state().find(spec_.undoes);
  if (!run || !is_unfinished(*run)) return;
  undone_->give_up(*run, "undone by " + run_);
  report_.notes.push_back(
      fmt::format("run {} had not finished; it is now marked abandoned: {} starts over", run->run,
                  run->command.empty() ? "the next one" : run->command));
}

/// Rows changed by an abandoned run and not undone since would go through map twice. Each undo of a
/// row, and each undo of that undo, switches the row between changed and restored.
void FixEngine::refuse_half_undone(const RunRecord& run) {
  if (run.status != RunStatus::kAbandoned || !run.message.starts_with("undone by ")) return;
  const PgRows rows = session_->query(
      fmt::format("WITH RECURSIVE undo AS (SELECT run FROM {0}.fixes WHERE undoes = $1 UNION "
                  "SELECT f.run FROM {0}.fixes f JOIN undo u ON f.undoes = u.run), "
                  "turns AS (SELECT i.key, pg_catalog.count(*) AS n FROM {0}.images i JOIN undo "
                  "USING (run) "
                  "GROUP BY i.key) SELECT pg_catalog.count(*) FROM {0}.images i LEFT JOIN turns "
                  "USING (key) "
                  "WHERE i.run = $1 AND coalesce(n, 0) % 2 = 0",
                  PgSession::quote_name(schema_)),
      {run.run});
  if (rows.text(0, 0) == "0") return;
  throw Error(
      Code::kConflict,
      fmt::format("run {} was cut off and then undone in part: {} of its rows are as it left them, "
                  "and would go through map a second time",
                  run.run, rows.text(0, 0)),
      fmt::format("undo the rest first (lugger undo {}), or start over with --restart", run.run));
}

/// Writes the ledger's rows for the run. A resumed run has them, unless it was killed in between.
void FixEngine::begin_run() {
  if (unfinished_) {
    ledger_->resume(*unfinished_);
  } else {
    RunRecord record;
    record.run = run_;
    record.job = spec_.name;
    record.script_hash = spec_.script_hash;
    record.source = spec_.where.empty() ? spec_.table : spec_.table + " where " + spec_.where;
    record.mode = spec_.kind;
    record.command = spec_.resume_command;
    record.now = spec_.now;
    ledger_->begin(std::move(record), {part_});
    begun_ = true;
  }
  FixRecord record;
  record.run = run_;
  record.table = spec_.table;
  record.where = spec_.where;
  record.undoes = spec_.undoes;
  record.key = table_.key;
  for (const FixField& field : table_.fields) record.fields.push_back(field.name);
  outlast(backoff_, stop_, [&](bool lost) {
    if (lost) connect();
    session_->begin();
    record_fix(*session_, schema_, record, spec_.retention_seconds);
    keep_keys();
    session_->commit();
  });
  end_undone();
  report_.images_until = find_fix(*session_, schema_, run_).images_until;
}

RunSnapshot FixEngine::poll(int timeout_ms) {
  conductor_.wait(timeout_ms);
  const std::lock_guard lock(mutex_);
  RunSnapshot snapshot;
  snapshot.run = run_;
  snapshot.stage = conductor_.stage();
  snapshot.tally = shown_;
  snapshot.seconds = conductor_.seconds();
  snapshot.resumed = resumed_;
  snapshot.waits_for = away_.any() ? std::string(kServerAway) : pace_.waits_for();
  return snapshot;
}

bool FixEngine::ended() const { return conductor_.ended(); }

void FixEngine::stop(StopLevel level) { stop_.set(std::max(level, stop_.level())); }

RunResult FixEngine::result() {
  conductor_.join();
  return result_;
}

ControlFacts FixEngine::facts() const {
  const std::lock_guard lock(mutex_);
  return {{"run", run_},
          {"job", spec_.name},
          {"stage", conductor_.stage()},
          {"waits for", pace_.waits_for()},
          {"looked at", std::to_string(shown_.read)},
          {"changed", std::to_string(shown_.updated)},
          {"rejected", std::to_string(shown_.rejected)},
          {"rows per second, at most", pace_.speed() > 0 ? fmt::format("{:g}", pace_.speed()) : ""},
          {"seconds", fmt::format("{:.1f}", conductor_.seconds())}};
}

/// Listens from the first counted page on. The run continues even without a control socket.
void FixEngine::listen() {
  try {
    control_ = std::make_unique<ControlSocket>(
        run_, pace_, [this] { return facts(); }, [this](StopLevel level) { stop(level); });
  } catch (const Error& error) {
    report_.notes.push_back(error.what());
  }
}

void FixEngine::work() {
  if (settings_.apply) listen();
  if (unfinished_) ledger_->take_up(*unfinished_);
  const bool all_written = part_.done;
  if (!all_written) count();
  if (!settings_.apply || stop_.requested()) return;
  counts_->clear();
  begin_run();
  source_ = spec_.source(table_, spec_.now, kept_keys());
  writer_ = std::make_unique<FixWriter>(table_, schema_, run_, !spec_.undoes.empty());
  conductor_.enter("writing");
  if (!all_written) write_all();
}

/// A run that is done no longer needs its keys. If they cannot be deleted now, they are deleted
/// with the run.
void FixEngine::forget_keys() noexcept {
  if (spec_.key_query.empty() || result_.status != RunStatus::kDone) return;
  try {
    session_->query(
        fmt::format("DELETE FROM {}.fix_keys WHERE run = $1", PgSession::quote_name(schema_)),
        {run_});
  } catch (const std::exception& error) {
    result_.warnings.push_back(fmt::format("the run's keys are still kept: {}", error.what()));
  }
}

std::string FixEngine::conclude(std::optional<Error> failure) {
  control_.reset();
  if (session_) session_->rollback();
  const bool interrupted = failure && failure->code() == Code::kInterrupted && stop_.requested();
  const bool stopped = (stop_.requested() && !failure) || interrupted;
  if (interrupted) failure.reset();
  if (begun_) result_.run = run_;
  result_.job = spec_.name;
  result_.tally = settings_.apply ? part_.tally : tally_;
  result_.seconds = conductor_.seconds();
  result_.resumed = resumed_;
  result_.dry_run = !settings_.apply;
  end_result(result_, failure, stopped);
  if (result_.status != RunStatus::kDone && settings_.apply && begun_)
    result_.resume_command = spec_.resume_command;
  if (altered_ != 0) {
    report_.notes.push_back(
        fmt::format("in {} rows the server made something else of what was written", altered_));
  }
  counts_->fill(report_, result_);
  if (ledger_ && begun_) {
    ledger_->end(result_, Taken::kWhole);
    forget_keys();
  }
  ledger_.reset();  // releases the jobs
  undone_.reset();
  const std::lock_guard lock(mutex_);
  shown_ = result_.tally;
  return std::string(result_.status.word());
}

}  // namespace lugger
