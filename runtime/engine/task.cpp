#include "engine/task.hpp"

#include "base/error.hpp"
#include "engine/rejects.hpp"
#include "engine/task_impl.hpp"
#include "place/whole.hpp"
#include "value/json_writer.hpp"
#include "value/keep.hpp"

namespace lugger {

namespace {

constexpr uint64_t kMostUncommitted = 256 << 20;
constexpr size_t kBatchBytes = 8 << 20;

}  // namespace

Task::Task(TaskSpec spec) : impl_(std::make_unique<Impl>(std::move(spec))) {}

Task::~Task() {
  impl_->stopped.set(StopLevel::kNow);
  impl_->conductor.join();
  rollback();
}

size_t Task::add_cursor(std::unique_ptr<Source> source, uint32_t batch_rows) {
  Impl::Reading& reading = impl_->readings.emplace_back();
  reading.source = std::move(source);
  reading.batch_rows = batch_rows == 0 ? 1000 : batch_rows;
  return impl_->readings.size() - 1;
}

Batch* Task::next(size_t number) {
  Impl& task = *impl_;
  Impl::Reading& reading = task.readings.at(number);
  const bool kept = number == 0;
  if (exhausted(number) || (reading.backoff.begun() && !reading.backoff.due())) return nullptr;
  if (task.bytes > kMostUncommitted) {
    throw Error(Code::kConfig, fmt::format("task {} read 256 MiB without a commit", task.spec.name),
                "call out:commit(batch:position()) after each batch");
  }
  if (task.batches_used == task.batches.size())
    task.batches.push_back(std::make_unique<Batch>(task.arena));
  Batch& batch = *task.batches[task.batches_used];
  batch.clear();
  batch.max_documents = reading.batch_rows;
  if (kept)
    batch.max_documents = static_cast<uint32_t>(std::min<int64_t>(batch.max_documents, task.left));
  batch.max_bytes = kBatchBytes;
  try {
    if (!reading.cursor) reading.cursor = open_whole(*reading.source, position(number));
    const Next got = reading.cursor->next(batch, task.stopped);
    reading.at = reading.cursor->position();
    reading.ended = got == Next::kEnd;
    reading.backoff.reset();
    if (got != Next::kBatch) return nullptr;
  } catch (const Error& error) {
    // Continues after the last batch.
    if (error.code() != Code::kConnect || !reading.backoff.begin()) throw;
    reading.cursor.reset();
    return nullptr;
  }
  ++task.batches_used;
  task.bytes += batch.source_bytes;
  if (kept) {
    task.read += batch.documents.size();
    task.left -= static_cast<int64_t>(batch.documents.size());
  }
  return &batch;
}

bool Task::exhausted(size_t cursor) const {
  return impl_->readings.at(cursor).ended || (cursor == 0 && impl_->left <= 0);
}

Position Task::position(size_t cursor) const {
  const Impl::Reading& reading = impl_->readings.at(cursor);
  if (!reading.at.empty() || cursor != 0) return reading.at;
  return impl_->committed.position;
}

const std::string& Task::now() const noexcept { return impl_->spec.now; }

void Task::Impl::need_writer() const {
  if (refused) throw Error(*refused);
  if (is_open()) return;
  throw Error(Code::kConfig, fmt::format("task {} has no writer", spec.name),
              "make one first: task:writer(lugger.target(...), { columns = ... })");
}

void Task::write(Batch& batch) {
  impl_->need_writer();
  impl_->plan->run(batch, nullptr);
  impl_->send(batch);
  impl_->collect(batch);
}

/// Batches that cannot be sent now are sent by commit().
void Task::Impl::send(Batch& batch) {
  written.push_back(&batch);
  if (lost) return;
  try {
    sink->write(batch);
  } catch (const Error& error) {
    lose(error);
  }
}

/// Adds the documents that the plan refused to the unit.
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

/// Rows added with add() are sent by commit(), so that a refused row does not end the script's loop
/// halfway.
void Task::Impl::plan_rows() {
  if (rows->documents.empty() || std::exchange(rows_planned, true)) return;
  row_plan->run(*rows, nullptr);
  send(*rows);
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

void Task::Impl::reset_unit() noexcept {
  for (size_t i = 0; i < batches_used; ++i) batches[i]->clear();
  batches_used = 0;
  if (rows) rows->clear();
  rows_planned = false;
  written.clear();
  rejects.clear();
  read = bytes = used = 0;
  arena.reset();
}

void Task::rollback() noexcept {
  if (impl_->sink) impl_->sink->rollback();
  impl_->reset_unit();
}

bool Task::may_go_on() { return impl_->pace.free(); }

std::string Task::waits_for() const {
  const bool source = std::any_of(impl_->readings.begin(), impl_->readings.end(),
                                  [](const auto& reading) { return reading.backoff.begun(); });
  if (impl_->lost || source) return std::string(kServerAway);
  return impl_->pace.waits_for();
}

bool Task::stopping() const noexcept { return impl_->stopped.requested(); }

Tally Task::tally() const { return impl_->committed.tally; }

std::shared_ptr<const PlanShape> Task::shape() const { return impl_->shape; }

}  // namespace lugger
