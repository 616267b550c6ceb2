// The run of a task: begin, units, end.
#include "base/error.hpp"
#include "engine/dry_run.hpp"
#include "engine/start.hpp"
#include "engine/task_impl.hpp"
#include "registry/registry.hpp"

namespace lugger {

namespace {

constexpr std::string_view kPartition = "0";

/// The mapping for rows with named columns: each column reads the field of its own name.
Mapping by_name(Mapping mapping) {
  for (Column& column : mapping.columns) {
    column.from.clear();
    column.id_text_column = false;
    if (column.generate == Column::Generate::kV5) column.generate = Column::Generate::kV7;
  }
  mapping.children.clear();
  mapping.unmapped = Unmapped::kError;
  return mapping;
}

}  // namespace

void Task::set_writer(TaskOutput output) {
  Impl& task = *impl_;
  if (task.target)
    throw Error(Code::kConfig, fmt::format("task {} has a writer already", task.spec.name),
                "one writer can feed several tables through `children` and `route`");
  task.target = open_target(output.target, output.options);
  task.row_shape = std::make_shared<const PlanShape>(by_name(output.mapping));
  task.shape = std::make_shared<const PlanShape>(std::move(output.mapping));
  keep_pace(task.pace, *task.target, output.throttle, task.spec.settings.window);
  task.plan = std::make_unique<Plan>(task.shape);
  task.row_plan = std::make_unique<Plan>(task.row_shape);
  task.rows = std::make_unique<Batch>(task.arena);
  task.committed.id = kPartition;
  // The script's loop cannot be repeated to give its rows in the same order.
  task.report = task.target->inspect(*task.shape, task.spec.settings.create, false);
  if (task.spec.settings.dry_run) {
    task.sink = dry_run_sink();
    return;
  }
  refuse_problems(task.report, task.spec.name);
  task.ledger = std::make_unique<LedgerRun>(task.target->state());
  take_lease(task.ledger->state(), task.spec.name);
  task.begin_or_resume();
  task.listen();
  task.sink = task.target->open(*task.shape, task.sink_options());
}

void Task::Impl::begin_or_resume() {
  const SourceInfo info = readings.empty() ? SourceInfo() : readings.front().source->info();
  const RunSettings& settings = spec.settings;
  const std::optional<RunRecord> latest = ledger->state().latest(spec.name);
  const RunRequest request{spec.name, spec.script_hash, info.identity, settings.restart,
                           settings.accept_changes};
  const Earlier earlier = ledger->judge(latest, request, report.missing);
  if (earlier == Earlier::kGoesOn) return resume(*latest);
  if (earlier == Earlier::kNone) {
    if (const auto done = done_run(request)) return resume(*done);
  }
  if (earlier == Earlier::kRestarted) target->discard(*shape, latest->run);
  if (earlier != Earlier::kNone) ledger->give_up(*latest);
  if (settings.create) target->create(report);
  RunRecord record;
  record.job = spec.name;
  record.script_hash = spec.script_hash;
  record.source = info.place;
  record.source_identity = info.identity;
  record.mode = report.mode;
  record.command = spec.resume_command;
  record.now = spec.now;
  ledger->begin(std::move(record), {committed});
  run = ledger->run();
}

void Task::Impl::resume(const RunRecord& record) {
  resumed = true;
  spec.now = record.now;
  report.mode = record.mode;
  for (PartitionRecord& partition : ledger->resume(record)) committed = std::move(partition);
  run = ledger->run();
  if (spec.settings.limit != 0) left -= static_cast<int64_t>(committed.tally.read);
}

/// The job's done run, if its rows must not, or cannot, be loaded again. The task then continues
/// after the documents that the run read: all, or as many as its limit allowed.
std::optional<RunRecord> Task::Impl::done_run(const RunRequest& request) {
  const auto before = done_before(ledger->state(), request, *shape);
  if (!before) return {};
  outcome.notes.push_back(before->note);
  if (before->why.empty() || !report.holds_rows || spec.settings.again) return {};
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
    report.warnings.emplace_back(error.what());
  }
}

bool Task::commit(const Position& position) {
  Impl& task = *impl_;
  task.need_writer();
  task.plan_rows();
  try {
    if (!task.lost || task.regain(position)) {
      UnitRecord unit = task.unit_at(position);
      task.sink->commit(unit);
      for (const RejectRecord& reject : unit.rejects) task.rejected.add(reject, unit.redact);
      task.count(unit.tally, position);
    }
  } catch (const Error& error) {
    task.lose(error);
    return false;
  }
  return !task.lost;
}

UnitRecord Task::Impl::unit_at(const Position& position) const {
  UnitRecord unit;
  unit.run = run;
  unit.partition = kPartition;
  unit.position = position;
  unit.durable = true;
  unit.redact = spec.settings.redact;
  unit.rejects = rejects;
  unit.tally.rejected = rejects.size();
  unit.tally.bytes = bytes;
  // A task may add rows of its own. They count as read, so that the totals balance.
  unit.tally.read = std::max(read, used);
  unit.tally.skipped = unit.tally.read - used;
  return unit;
}

SinkOptions Task::Impl::sink_options() const {
  return {run, report.mode, ledger ? ledger->state().lease_token() : "", 1};
}

/// The unit is committed.
void Task::Impl::count(const Tally& gained, const Position& position) {
  committed.position = position;
  committed.tally += gained;
  pace.did(gained.read);
  reset_unit();
  lost = false;
  backoff.reset();
  const std::lock_guard lock(mutex);
  told = committed.tally;
}

/// Call this in a catch block. Throws again unless the error is a lost connection and an attempt is
/// left.
void Task::Impl::lose(const Error& error) {
  if (error.code() != Code::kConnect || !ledger || !backoff.begin()) {
    refused = error;
    throw;
  }
  if (sink) sink->rollback();
  sink.reset();
  lost = true;
}

/// A commit whose answer was lost may have succeeded; the ledger shows that. If it did not, writes
/// the open unit again. True: the unit must be committed.
bool Task::Impl::regain(const Position& position) {
  if (!backoff.due()) return false;
  const auto settled = settle_unit(ledger->state(), run, committed);
  if (!sink) sink = target->open(*shape, sink_options());
  if (settled && settled->committed) {
    count(settled->gained, position);
    return false;
  }
  if (settled && settled->taken_back != 0) {
    throw Error(
        Code::kConflict,
        fmt::format("the server took back {} documents that it had committed", settled->taken_back),
        "run the same command again: it continues after the documents that are still there");
  }
  for (Batch* batch : written) sink->write(*batch);
  lost = false;
  return true;
}

void Task::end(RunStatus status, const Error* error) {
  Impl& task = *impl_;
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
    StageHost host{*target, *shape,  ledger->state(), spec.name, run, spec.settings.stages,
                   stopped, nullptr, nullptr,         &away};
    host.enter = [this](std::string_view stage) { conductor.enter(std::string(stage)); };
    host.tell = [this](StepsView view) {
      const std::lock_guard lock(mutex);
      steps = std::move(view);
    };
    Tally all = committed.tally;
    for (std::string& note : finish_target(host, {run, 1, {}}, all))
      outcome.notes.push_back(std::move(note));
    committed.tally = all;
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
  if (shape) outcome.tables = shape->tables().size();
  outcome.dry_run = spec.settings.dry_run;
  outcome.resumed = resumed;
  outcome.seconds = conductor.seconds();
  if (plan) outcome.unmapped = plan->unmapped();
  outcome.warnings.insert(outcome.warnings.end(), report.warnings.begin(), report.warnings.end());
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
  if (task.away != 0) snapshot.waits_for = kServerAway;
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
