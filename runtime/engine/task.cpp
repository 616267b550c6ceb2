#include "engine/task.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engine/control.hpp"
#include "engine/dry_run.hpp"
#include "engine/rejects.hpp"
#include "engine/stages.hpp"
#include "engine/start.hpp"
#include "place/whole.hpp"
#include "registry/registry.hpp"
#include "value/json_writer.hpp"
#include "value/keep.hpp"

namespace lugger {

namespace {

constexpr uint64_t kMostUncommitted = 256 << 20;

/// The mapping for rows given by column names: every column reads the field of its own name.
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

struct Task::Impl {
  struct Reading {
    std::unique_ptr<Source> source;
    std::unique_ptr<Cursor> cursor;
    uint32_t batch_rows;
    bool ended = false;
  };

  explicit Impl(TaskSpec given) : spec(std::move(given)) {}

  TaskSpec spec;
  std::vector<Reading> readings;
  std::shared_ptr<Target> target;
  std::shared_ptr<const PlanShape> shape, row_shape;
  std::unique_ptr<Plan> plan, row_plan;
  std::unique_ptr<State> state;
  std::unique_ptr<RowSink> sink;
  TargetReport report;
  std::string run, after;  // position to start behind
  Arena arena;
  std::vector<std::unique_ptr<Batch>> batches;
  size_t batches_used = 0;
  std::unique_ptr<Batch> rows;  // rows added by hand since the last commit
  std::vector<RejectRecord> rejects;
  uint64_t read = 0, bytes = 0,
           used = 0;  // of the open unit: read, and documents that became rows or rejects
  Tally tally, earlier;
  Stopwatch watch;
  bool resumed = false;
  int64_t left = INT64_MAX;
  Pace pace;
  StopFlag stop;
  std::mutex mutex;  // guards `told`, for the socket's thread
  Tally told;
  std::unique_ptr<ControlSocket> control;

  void need_writer() const {
    if (sink) return;
    throw Error(Code::kConfig, fmt::format("task {} has no writer", spec.name),
                "make one first: task:writer(lugger.target(...), { columns = ... })");
  }
  void flush_rows();
  void collect(Batch& batch);
  void begin_or_resume();
  void listen();
  void build(RunResult& result);
  void reset_unit() noexcept;
};

Task::Task(TaskSpec spec) : impl_(std::make_unique<Impl>(std::move(spec))) {
  if (impl_->spec.settings.limit != 0)
    impl_->left = static_cast<int64_t>(impl_->spec.settings.limit);
}

Task::~Task() { rollback(); }

size_t Task::add_cursor(std::unique_ptr<Source> source, uint32_t batch_rows) {
  impl_->readings.push_back(
      {std::move(source), nullptr, batch_rows == 0 ? 1000 : batch_rows, false});
  return impl_->readings.size() - 1;
}

Batch* Task::next(size_t number) {
  Impl::Reading& reading = impl_->readings.at(number);
  const bool kept = number == 0;
  if (!reading.cursor) {
    reading.cursor = open_whole(*reading.source, kept ? impl_->after : Position());
  }
  if (reading.ended || (kept && impl_->left <= 0)) return nullptr;
  if (impl_->bytes > kMostUncommitted) {
    throw Error(Code::kConfig,
                fmt::format("task {} read 256 MiB without a commit", impl_->spec.name),
                "call out:commit(batch:position()) after each batch");
  }
  if (impl_->batches_used == impl_->batches.size())
    impl_->batches.push_back(std::make_unique<Batch>(impl_->arena));
  Batch& batch = *impl_->batches[impl_->batches_used];
  batch.clear();
  batch.max_documents = reading.batch_rows;
  if (kept)
    batch.max_documents =
        static_cast<uint32_t>(std::min<int64_t>(batch.max_documents, impl_->left));
  batch.max_bytes = 8 << 20;
  if (!reading.cursor->fill(batch, impl_->stop)) {
    reading.ended = !impl_->stop.requested();
    return nullptr;
  }
  ++impl_->batches_used;
  impl_->bytes += batch.source_bytes;
  if (kept) {
    impl_->read += batch.documents.size();
    impl_->left -= static_cast<int64_t>(batch.documents.size());
  }
  return &batch;
}

Position Task::position(size_t cursor) const {
  const Impl::Reading& reading = impl_->readings.at(cursor);
  return reading.cursor ? reading.cursor->position() : Position();
}

const std::string& Task::now() const noexcept { return impl_->spec.now; }

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
  // A loop of the script's cannot be run again in the order of its rows.
  task.report = task.target->inspect(*task.shape, task.spec.settings.create, false);
  if (task.spec.settings.dry_run) {
    task.sink = dry_run_sink();
    return;
  }
  refuse_problems(task.report, task.spec.name);
  task.state = task.target->state();
  task.state->ensure();
  take_lease(*task.state, task.spec.name);
  task.begin_or_resume();
  task.listen();
  task.sink = task.target->open(*task.shape, {task.run, task.report.mode, 1});
}

void Task::Impl::begin_or_resume() {
  JobSpec job;
  job.name = spec.name;
  job.script_hash = spec.script_hash;
  const std::string identity =
      readings.empty() ? std::string() : readings.front().source->info().identity;
  const std::optional<RunRecord> latest = state->latest(spec.name);
  if (latest && is_unfinished(*latest) && !spec.settings.restart) {
    check_unchanged(*latest, job, identity, spec.settings.accept_changes);
    if (const auto lost = lost_tables(report, *state, job, spec.settings)) throw *lost;
    resumed = true;
    run = latest->run;
    spec.now = latest->now;
    report.mode = latest->mode;
    state->set_status(run, "running", "");
    for (const PartitionRecord& partition : state->partitions(run)) {
      after = partition.position;
      earlier += partition.tally;
    }
    if (spec.settings.limit != 0) left -= static_cast<int64_t>(earlier.read);
    return;
  }
  if (latest && is_unfinished(*latest)) {
    target->discard(*shape, latest->run);
    state->set_status(latest->run, "abandoned", "restarted");
  }
  if (spec.settings.create) target->create(report);
  run = new_run_id();
  RunRecord record;
  record.run = run;
  record.job = spec.name;
  record.script_hash = spec.script_hash;
  record.source = readings.empty() ? "" : readings.front().source->info().place;
  record.source_identity = identity;
  record.mode = report.mode;
  record.status = "running";
  record.command = spec.resume_command;
  record.now = spec.now;
  record.afresh = spec.settings.limit == 0;
  PartitionRecord whole;
  whole.id = "0";
  state->start(record, {whole});
}

/// Without a socket the task goes on all the same.
void Task::Impl::listen() {
  told = earlier;
  const auto facts = [this] {
    const std::lock_guard lock(mutex);
    return load_facts(run, spec.name, "reading", told, pace, watch.seconds());
  };
  try {
    control = std::make_unique<ControlSocket>(run, pace, facts,
                                              [this](StopLevel level) { stop.set(level); });
  } catch (const Error& error) {
    report.warnings.emplace_back(error.what());
  }
}

bool Task::may_go_on() { return impl_->pace.free(); }
std::string Task::waits_for() const { return impl_->pace.waits_for(); }
bool Task::stopping() const noexcept { return impl_->stop.requested(); }

void Task::write(Batch& batch) {
  impl_->need_writer();
  impl_->plan->run(batch, nullptr);
  impl_->sink->write(batch);
  impl_->collect(batch);
}

/// Takes the plan's own refusals into the unit.
void Task::Impl::collect(Batch& batch) {
  for (const Refusal& refusal : batch.refusals) {
    RejectRecord record = reject_record(refusal, batch, *shape);
    record.run = run;
    record.job = spec.name;
    rejects.push_back(std::move(record));
  }
  used += batch.documents.size();
}

void Task::add(Bytes row) {
  impl_->need_writer();
  Batch& rows = *impl_->rows;
  rows.documents.push_back(
      {impl_->arena.copy(row), static_cast<uint32_t>(row.size()), Format::kBson, nullptr});
}

/// Rows added by hand wait for the commit, so that one of them refused does not end the script's
/// loop half way.
void Task::Impl::flush_rows() {
  if (rows->documents.empty()) return;
  row_plan->run(*rows, nullptr);
  sink->write(*rows);
  collect(*rows);
}

void Task::reject(const Document& document, const std::string& column, const std::string& message) {
  impl_->need_writer();
  RejectRecord record;
  record.run = impl_->run;
  record.job = impl_->spec.name;
  record.table = impl_->shape->tables().front().name;
  record.document_id = document_id(document, impl_->shape->mapping());
  record.column = column;
  record.code = failure_code(Failure::kHook);
  record.message = message;
  record.document = document_json(document);
  record.raw = keep_document(document);
  impl_->rejects.push_back(std::move(record));
  ++impl_->used;
}

void Task::commit(const Position& position) {
  Impl& task = *impl_;
  task.need_writer();
  task.flush_rows();
  UnitRecord unit;
  unit.run = task.run;
  unit.partition = "0";
  unit.position = position;
  unit.redact = task.spec.settings.redact;
  unit.rejects = std::move(task.rejects);
  unit.tally.rejected = unit.rejects.size();
  unit.tally.bytes = task.bytes;
  // A task may make rows of its own: these count as read, so that the books balance.
  unit.tally.read = std::max(task.read, task.used);
  unit.tally.skipped = unit.tally.read - task.used;
  task.sink->commit(unit);
  task.tally += unit.tally;
  task.pace.did(unit.tally.read);
  task.reset_unit();
  const std::lock_guard lock(task.mutex);
  task.told = tally();
}

void Task::Impl::reset_unit() noexcept {
  for (size_t i = 0; i < batches_used; ++i) batches[i]->clear();
  batches_used = 0;
  if (rows) rows->clear();
  rejects.clear();
  read = bytes = used = 0;
  arena.reset();
}

void Task::rollback() noexcept {
  if (impl_->sink) impl_->sink->rollback();
  impl_->reset_unit();
}

void Task::Impl::build(RunResult& result) {
  StopFlag never;
  StageHost host{*target, *shape,  *state, spec.name, run, spec.settings.stages,
                 never,   nullptr, nullptr};
  host.enter = [](std::string_view) {};
  host.tell = [](const StepsView&) {};
  run_stages(host, {Stage::kIndex, Stage::kConstrain}, result);
}

RunResult Task::finish(const std::string& status, const Error* error) {
  Impl& task = *impl_;
  rollback();
  task.control.reset();
  RunResult result;
  result.run = task.run;
  result.job = task.spec.name;
  result.status = status;
  result.dry_run = task.spec.settings.dry_run;
  result.resumed = task.resumed;
  if (error != nullptr) {
    result.error = error->what();
    result.hint = error->hint();
    result.error_code = code_name(error->code());
  }
  result.tally = tally();
  if (task.target && task.state && status == "done") {
    promise_steps(*task.target, *task.shape, *task.state, task.spec.name, task.run);
    result.notes = task.target->finish(*task.shape, {task.run, 1, {}}, result.tally);
    task.build(result);
  }
  if (task.plan) result.unmapped = task.plan->unmapped();
  if (status == "done") {
    for (const Impl::Reading& reading : task.readings) {
      if (!reading.ended) continue;
      for (std::string& told : reading.source->told_at_end(!task.resumed, task.stop))
        result.warnings.push_back(std::move(told));
    }
  }
  result.warnings.insert(result.warnings.end(), task.report.warnings.begin(),
                         task.report.warnings.end());
  result.seconds = task.watch.seconds();
  if (status != "done" && !result.dry_run) result.resume_command = task.spec.resume_command;
  task.sink.reset();
  if (task.state) task.state->set_status(task.run, status, result.error);
  task.state.reset();
  return result;
}

Tally Task::tally() const {
  Tally all = impl_->earlier;
  all += impl_->tally;
  return all;
}

std::shared_ptr<const PlanShape> Task::shape() const { return impl_->shape; }

}  // namespace lugger
