// The run of a task: begin, units, end.
#include "base/error.hpp"
#include "base/url.hpp"
#include "engine/rejects.hpp"
#include "engine/start.hpp"
#include "engine/task_impl.hpp"

namespace lugger {

namespace {

constexpr std::string_view kPartition = "0";

}  // namespace

size_t Task::add_writer(TaskOutput output) {
  Impl& task = *impl_;
  task.check_place(output);
  task.name_collection(output.mapping);
  const ThrottleSpec throttle = output.throttle;
  const std::string place = output.target, state_schema = output.options.text("state_schema");
  auto made = std::make_unique<TaskWriter>(task.arena, std::move(output));
  TaskWriter& writer = *made;
  const bool first = task.writers.empty();
  if (first) {
    task.place = place;
    task.state_schema = state_schema;
    task.committed.id = kPartition;
    keep_pace(task.pace, writer.target(), throttle, task.spec.settings.window);
  }
  // The script's loop cannot be repeated to give its rows in the same order.
  writer.report = writer.target().inspect(*writer.shape(), task.spec.settings.create, false);
  look_at_output(writer.target(), task.spec.name, task.spec.settings.restart, writer.report);
  if (!task.spec.settings.dry_run) {
    refuse_problems(writer.report, task.spec.name);
    first ? task.enter_ledger(writer) : task.make_tables(writer);
  }
  task.writers.push_back(std::move(made));
  return task.writers.size() - 1;
}

/// Ids are computed in the name space of the collection that the first cursor reads, as in a job.
void Task::Impl::name_collection(Mapping& mapping) const {
  if (!readings.empty()) {
    const SourceInfo info = readings.front().source->info();
    if (mapping.database.empty()) mapping.database = info.database;
    if (mapping.collection.empty()) mapping.collection = info.collection;
    return;
  }
  for (const Column& column : mapping.columns) {
    if (column.generate != Column::Generate::kV5) continue;
    throw Error(Code::kConfig,
                fmt::format("column {} has generate = 'v5', which depends on the collection, and "
                            "the task has no cursor yet",
                            column.name),
                "make the cursor before the writer; or generate = 'v7'");
  }
}

/// The writers of a task are committed together, so they need one target.
void Task::Impl::check_place(const TaskOutput& output) const {
  if (writers.empty()) return;
  if (sink || lost) {
    throw Error(Code::kConfig,
                fmt::format("task {} has committed already: no writer can join it", spec.name),
                "make all writers before the loop");
  }
  if (output.throttle.asks_target() || output.throttle.rows_per_s != 0) {
    throw Error(Code::kConfig, "a task has one throttle, and it stands in its first writer",
                "move throttle = { ... } there");
  }
  if (output.target != place || output.options.text("state_schema") != state_schema) {
    throw Error(Code::kConfig,
                fmt::format("the writers of task {} have two targets, {} and {}: one transaction "
                            "cannot commit both",
                            spec.name, mask_secrets(place), mask_secrets(output.target)),
                "one target a task; return a task for each target");
  }
  if (!writers.front()->target().commits_together()) {
    throw Error(Code::kConfig,
                fmt::format("{} takes one writer a task: only PostgreSQL commits several together",
                            mask_secrets(place)),
                "return a task for each of them");
  }
}

void Task::Impl::enter_ledger(TaskWriter& first) {
  ledger = std::make_unique<LedgerRun>(first.target().state());
  take_lease(ledger->state(), spec.name);
  begin_or_resume(first);
  listen();
}

/// What begin_or_resume() does for the tables of the first writer.
void Task::Impl::make_tables(TaskWriter& added) {
  if (resumed && committed.tally.read != 0 && !added.report.missing.empty()) {
    throw Error(Code::kConfig,
                fmt::format("{} has an unfinished run, and {} is not there: it was dropped after "
                            "the run began, and the rows loaded before are gone with it",
                            spec.name, fmt::join(added.report.missing, ", ")),
                "put it back as it was, or load everything again with --restart --create");
  }
  if (earlier == Earlier::kRestarted) added.target().discard(*added.shape(), earlier_run);
  if (spec.settings.create) added.target().create(added.report);
}

void Task::Impl::begin_or_resume(TaskWriter& first) {
  const SourceInfo info = readings.empty() ? SourceInfo() : readings.front().source->info();
  const RunSettings& settings = spec.settings;
  const std::optional<RunRecord> latest = ledger->state().latest(spec.name);
  const RunRequest request{spec.name,        spec.script_hash,        info.identity,
                           settings.restart, settings.accept_changes, spec.resume_command};
  mode = first.report.mode;
  if (settings.retry_rejects) {
    if (latest && is_unfinished(*latest) && was_retry(ledger->state(), *latest) &&
        latest->script_hash == spec.script_hash)
      return resume(*latest);
    if (latest && is_unfinished(*latest) &&
        !gives_way(ledger->state(), *latest, request, first.report.missing)) {
      throw Error(Code::kConfig, fmt::format("{} has an unfinished run", spec.name),
                  "finish it before its rejects are tried again");
    }
    if (latest && is_unfinished(*latest)) ledger->give_up(*latest);
    retried = reject_source(ledger->state(), spec.name);
    committed.id = kRejectsPartition;
    committed.spec = retried->split(1).front().spec;
    return begin(info);
  }
  earlier = ledger->judge(latest, request, first.report.missing);
  if (earlier == Earlier::kGoesOn) return resume(*latest);
  if (earlier == Earlier::kNone) {
    if (const auto done = done_run(request, first)) return resume(*done);
  }
  if (earlier == Earlier::kRestarted) {
    earlier_run = latest->run;
    first.target().discard(*first.shape(), earlier_run);
  }
  if (earlier != Earlier::kNone) ledger->give_up(*latest);
  if (settings.create) first.target().create(first.report);
  begin(info);
}

void Task::Impl::begin(const SourceInfo& info) {
  RunRecord record;
  record.job = spec.name;
  record.script_hash = spec.script_hash;
  record.source = info.place;
  record.source_identity = info.identity;
  record.mode = mode;
  record.command = spec.resume_command;
  record.now = spec.now;
  ledger->begin(std::move(record), {committed});
  run = ledger->run();
}

void Task::Impl::resume(const RunRecord& record) {
  resumed = true;
  spec.now = record.now;
  mode = record.mode;
  for (PartitionRecord& partition : ledger->resume(record)) committed = std::move(partition);
  run = ledger->run();
  if (spec.settings.limit != 0) left -= static_cast<int64_t>(committed.tally.read);
}

/// The job's done run, if its rows must not, or cannot, be loaded again. The task then continues
/// after the documents that the run read: all, or as many as its limit allowed.
std::optional<RunRecord> Task::Impl::done_run(const RunRequest& request, const TaskWriter& first) {
  const auto before = done_before(ledger->state(), request, *first.shape());
  if (!before) return {};
  outcome.notes.push_back(before->note);
  if (before->why.empty() || !first.report.holds_rows || spec.settings.again) return {};
  outcome.notes.back() += "; this run continues after what it read (--again begins anew)";
  return before->run;
}

/// A task continues even when it cannot open its control socket.
void Task::Impl::listen() {
  told = committed.tally;
  const auto facts = [this] {
    const std::lock_guard lock(mutex);
    return load_facts(run, spec.name, conductor.stage(), told, pace, conductor.seconds());
  };
  try {
    control = std::make_unique<ControlSocket>(run, pace, facts,
                                              [this](StopLevel level) { stopped.set(level); });
  } catch (const Error& error) {
    outcome.warnings.emplace_back(error.what());
  }
}

void Task::end(RunStatus status, const Error* error) {
  Impl& task = *impl_;
  if (status == RunStatus::kDone && task.read != 0) {
    task.outcome.warnings.push_back(
        fmt::format("the task read documents and did not commit them: {}. They are in none of the "
                    "totals, and the next run reads them again",
                    task.read));
  }
  rollback();
  task.outcome.status = status;
  if (error != nullptr) task.failure = *error;
  if (error == nullptr && status == RunStatus::kFailed)
    task.failure = Error(Code::kHook, "the task failed and does not say why");
  task.conductor.start(
      task.stopped, [&task] { task.finish(); },
      [&task](const std::optional<Error>& failure) { return task.conclude(failure); });
}

/// Does everything that follows the last row.
void Task::Impl::finish() {
  if (outcome.status != RunStatus::kDone || stopped.requested()) return;
  if (ledger) {
    conductor.enter("finishing");
    const std::string& job = spec.name;
    std::vector<StageHost> hosts;
    for (const auto& writer : writers) {
      StageHost& host = hosts.emplace_back(
          StageHost{writer->target(), *writer->shape(), ledger->state(), job, run,
                    spec.settings.stages, stopped, nullptr, nullptr, &away});
      host.enter = [this](std::string_view stage) { conductor.enter(std::string(stage)); };
      host.tell = [this](StepsView view) {
        const std::lock_guard lock(mutex);
        steps = std::move(view);
      };
      Tally all = committed.tally;
      for (std::string& note : finish_target(host, {run, 1, {}}, all))
        outcome.notes.push_back(std::move(note));
      committed.tally = all;
    }
    for (const StageHost& host : hosts)
      run_stages(host, {Stage::kIndex, Stage::kConstrain}, outcome);
  }
  for (const Reading& reading : readings) {
    if (!reading.ended) continue;
    for (std::string& one : reading.source->told_at_end(!resumed, stopped))
      outcome.warnings.push_back(std::move(one));
  }
}

std::string Task::Impl::conclude(const std::optional<Error>& error) {
  control.reset();
  // An error that only says that a stop interrupted a wait is no failure.
  const bool echo = error && error->code() == Code::kInterrupted && stopped.requested();
  if (error && !echo) failure = error;
  end_result(outcome, failure, outcome.status == RunStatus::kStopped || stopped.requested());
  outcome.run = run;
  outcome.job = spec.name;
  outcome.tally = committed.tally;
  rejected.fill(outcome);
  outcome.dry_run = spec.settings.dry_run;
  outcome.resumed = resumed;
  outcome.seconds = conductor.seconds();
  for (const auto& writer : writers) {
    outcome.tables += writer->shape()->tables().size();
    for (const auto& [path, documents] : writer->plan().unmapped())
      outcome.unmapped[path] += documents;
    const std::vector<std::string>& warnings = writer->report.warnings;
    outcome.warnings.insert(outcome.warnings.end(), warnings.begin(), warnings.end());
  }
  if (outcome.status != RunStatus::kDone && !outcome.dry_run)
    outcome.resume_command = spec.resume_command;
  sink.reset();
  if (ledger) ledger->end(outcome, taken_of(spec.settings));
  ledger.reset();  // releases the job
  return std::string(outcome.status.word());
}

RunSnapshot Task::poll(int timeout_ms) {
  Impl& task = *impl_;
  task.conductor.wait(timeout_ms);
  RunSnapshot snapshot;
  snapshot.run = task.run;
  snapshot.stage = task.conductor.stage();
  snapshot.seconds = task.conductor.seconds();
  snapshot.resumed = task.resumed;
  if (task.away.any()) snapshot.waits_for = kServerAway;
  const std::lock_guard lock(task.mutex);
  snapshot.tally = task.told;
  snapshot.steps = task.steps.steps;
  snapshot.steps_done = task.steps.done;
  snapshot.steps_total = task.steps.total;
  return snapshot;
}

bool Task::ended() const { return impl_->conductor.ended(); }
void Task::stop(StopLevel level) { impl_->stopped.set(level); }

RunResult Task::result() {
  impl_->conductor.join();
  return impl_->outcome;
}

}  // namespace lugger
