#include "postgres/stage.hpp"

#include <algorithm>

#include "place/state.hpp"
#include "postgres/build.hpp"
#include "postgres/catalog.hpp"
#include "postgres/constrain.hpp"
#include "postgres/layout.hpp"
#include "postgres/preflight.hpp"
#include "postgres/session_pool.hpp"
#include "postgres/step_state.hpp"

namespace lugger {
namespace {

constexpr uint64_t kLeastMemory = 16ULL << 20;  // with less, a build sorts on disk in tiny runs

bool is_wanted(PgSession& session, const StageStep& step, const StageTables& tables) {
  if (!step.of_parent) return true;
  if (tables.made.contains(step.table) || tables.promised.contains(step.id())) return true;
  return table_comment(session, step.table) == kUnfinishedComment;
}

/// CONCURRENTLY, unless the script says otherwise, this process has just created the table, or the
/// server does not support it.
bool concurrently(PgSession& session, const StageStep& step, const StageTables& tables) {
  if (step.concurrently) return *step.concurrently;
  if (tables.made.contains(step.table)) return false;
  return session
             .query("SELECT relkind FROM pg_class WHERE oid = pg_catalog.to_regclass($1)",
                    {PgSession::quote_table(step.table)})
             .text(0, 0) != "p";
}

class StageRunner {
 public:
  StageRunner(const PgPlace& place, Stage stage, const PlanShape& shape, const StageTables& tables,
              const StageWork& work)
      : place_(place),
        stage_(stage),
        shape_(shape),
        tables_(tables),
        work_(work),
        lent_(SessionPool::of(place.url)->lend(std::string(stage_word(stage)), place.pooled)),
        session_(*lent_) {}

  StageResult run() {
    session_.only_looks(true);
    refuse_unsettled();
    std::vector<StageStep> steps = pending_steps(session_, shape_, tables_);
    std::erase_if(steps, [&](const StageStep& step) { return step.stage != stage_; });
    reconcile();
    if (steps.empty()) return std::move(result_);
    session_.only_looks(false);
    if (stage_ == Stage::kConstrain && !gate(steps)) return std::move(result_);
    set_up(steps);
    crew(steps);
    return std::move(result_);
  }

 private:
  /// Throws while the load has not settled duplicates: several rows may have the same key.
  void refuse_unsettled() {
    for (const TablePlan& table : shape_.tables()) {
      if (table_comment(session_, table.name) != kUnfinishedComment) continue;
      throw Error(
          Code::kConfig,
          fmt::format("the load of {} is not finished: its rows are copied, and not settled",
                      table.name),
          "run the job without --stage first: it goes on from there");
    }
  }

  static bool has_words(const StepRecord& record, const StageStep& step, bool concurrently) {
    std::string all;
    for (const std::string& sql : step_statements(step, concurrently))
      all += (all.empty() ? "" : ";\n") + sql;
    return record.statement == all;
  }

  /// Records steps that exist: they were done by a process that was killed before it could record
  /// them, or by hand.
  void reconcile() {
    if (work_.state == nullptr) return;
    const std::vector<StepRecord> known = work_.state->steps(work_.job);
    for (const StageStep& step : stage_steps(shape_)) {
      const auto found = std::find_if(known.begin(), known.end(),
                                      [&](const StepRecord& one) { return one.step == step.id(); });
      if (step.stage != stage_ || found == known.end()) continue;
      if (step_state(session_, step) != StepState::kDone) continue;
      if (found->status != StepStatus::kDone) {
        StepRecord record = *found;
        record.status = StepStatus::kDone;
        record.run = work_.run;
        work_.state->put_step(record);
      } else if (step.kind != StepKind::kNotNull && !found->statement.empty() &&
                 !has_words(*found, step, true) && !has_words(*found, step, false)) {
        result_.warnings.push_back(
            fmt::format("{} {} exists as an earlier script described it: drop it, and the next run "
                        "creates it as this script says",
                        step.kind == StepKind::kIndex ? "index" : "constraint", step.name));
      }
    }
  }

  /// Only the ledger can tell: a step that is not in it may be another session's work.
  static bool was_begun(const StageStep& step, const std::vector<StepRecord>& known) {
    return std::any_of(known.begin(), known.end(), [&](const StepRecord& one) {
      return one.step == step.id() && !one.statement.empty();
    });
  }

  /// False: rows would be refused, and --force was not given.
  bool gate(const std::vector<StageStep>& steps) {
    for (Refused& refused : preflight_pg(session_, shape_, steps)) {
      if (refused.rows == 0) continue;  // cannot be counted: the server decides
      dirty_.insert(refused.constraint);
      if (refused.kind == "not null") null_columns_[refused.table].insert(refused.column);
      result_.refused.push_back(std::move(refused));
    }
    if (dirty_.empty() || work_.settings.force) return true;
    for (const StageStep& step : steps)
      put(step, dirty_.contains(step.name) ? StepStatus::kRefused : StepStatus::kWaiting);
    return false;
  }

  void put(const StageStep& step, StepStatus status) {
    if (work_.state == nullptr) return;
    StepRecord record;
    record.job = work_.job;
    record.run = work_.run;
    record.stage = stage_;
    record.step = step.id();
    record.status = status;
    work_.state->put_step(record);
  }

  /// Runs statements that must come first, each once: sessions that create the same collation at
  /// the same time would fail.
  void set_up(const std::vector<StageStep>& steps) {
    std::set<std::string> seen;
    for (const StageStep& step : steps) {
      if (!step.setup.empty() && seen.insert(step.setup).second) session_.execute(step.setup);
    }
  }

  std::vector<CrewTask> tasks_of(const std::vector<StageStep>& steps) {
    std::vector<CrewTask> tasks;
    const std::vector<StepRecord> known =
        work_.state == nullptr ? std::vector<StepRecord>() : work_.state->steps(work_.job);
    for (const StageStep& step : steps) {
      const bool builds = step.kind == StepKind::kIndex || step.kind == StepKind::kUnique;
      CrewTask task{step, builds && concurrently(session_, step, tables_), false,
                    was_begun(step, known)};
      if (builds && !task.concurrently && !tables_.made.contains(step.table) && !step.concurrently)
        result_.warnings.push_back(fmt::format(
            "{}: {} is partitioned, where CONCURRENTLY cannot be: writers wait while it is built",
            step.name, step.table));
      if (dirty_.contains(step.name))
        split_dirty(std::move(task), tasks);
      else
        tasks.push_back(std::move(task));
    }
    return tasks;
  }

  /// Of the columns to become NOT NULL, sets it on those without NULLs.
  void split_dirty(CrewTask task, std::vector<CrewTask>& tasks) {
    CrewTask rest = task;
    rest.refused = true;
    if (task.step.kind == StepKind::kNotNull) {
      const std::set<std::string>& bad = null_columns_[task.step.table];
      std::erase_if(task.step.columns, [&](const std::string& one) { return bad.contains(one); });
      std::erase_if(rest.step.columns, [&](const std::string& one) { return !bad.contains(one); });
      rest.step.name = pending_not_null(rest.step);
      if (!task.step.columns.empty()) tasks.push_back(std::move(task));
    }
    tasks.push_back(std::move(rest));
  }

  /// The number of parallel builds, and the memory for each.
  size_t share_memory(std::string& settings) {
    size_t members = stage_ == Stage::kIndex ? work_.settings.connections : 1;
    if (work_.settings.memory.empty()) return members;
    const uint64_t all = std::stoull(
        session_.query("SELECT pg_catalog.pg_size_bytes($1)", {work_.settings.memory}).text(0, 0));
    members = std::max<size_t>(1, std::min<size_t>(members, all / kLeastMemory));
    settings = fmt::format("SET maintenance_work_mem = '{}kB'",
                           std::clamp<uint64_t>(all / members / 1024, 1024, 2147483647));
    return members;
  }

  static std::string memory_each(const std::string& settings) {
    return settings.substr(settings.find('\'')) + " of memory each";
  }

  void crew(const std::vector<StageStep>& steps) {
    std::string settings;
    const size_t members = share_memory(settings);
    StageCrew crew(place_, stage_, work_);
    try {
      crew.run(tasks_of(steps), members, settings,
               stage_ == Stage::kIndex ? build_index : constrain);
    } catch (...) {
      result_.notes = std::move(crew.notes());
      throw;
    }
    result_.notes = std::move(crew.notes());
    result_.stopped = crew.stopped();
    if (crew.done() == 0) return;
    result_.notes.push_back(fmt::format("{}: {} {}{}",
                                        stage_ == Stage::kIndex ? "indexes" : "constraints",
                                        crew.done(), stage_ == Stage::kIndex ? "built" : "added",
                                        settings.empty() ? "" : ", " + memory_each(settings)));
  }

  const PgPlace& place_;
  Stage stage_;
  const PlanShape& shape_;
  const StageTables& tables_;
  const StageWork& work_;
  LentSession lent_;
  PgSession& session_;
  StageResult result_;
  std::set<std::string> dirty_;  // names of constraints that rows violate
  std::map<std::string, std::set<std::string>> null_columns_;
};

}  // namespace

std::vector<StageStep> pending_steps(PgSession& session, const PlanShape& shape,
                                     const StageTables& tables) {
  std::vector<StageStep> out;
  for (StageStep& step : stage_steps(shape)) {
    if (session
            .query("SELECT pg_catalog.to_regclass($1) IS NULL",
                   {PgSession::quote_table(step.table)})
            .text(0, 0) == "t") {
      throw Error(
          Code::kConfig, fmt::format("table {} does not exist", step.table),
          "load first: indexes and constraints come when the rows are in; `lugger preflight "
          "--source` counts documents before that");
    }
    if (is_wanted(session, step, tables) && step_state(session, step) != StepState::kDone)
      out.push_back(std::move(step));
  }
  return out;
}

StageResult run_pg_stage(const PgPlace& place, Stage stage, const PlanShape& shape,
                         const StageTables& tables, const StageWork& work) {
  return StageRunner(place, stage, shape, tables, work).run();
}

}  // namespace lugger
