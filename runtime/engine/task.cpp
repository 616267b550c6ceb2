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

void Task::Impl::need_room() const {
  if (bytes <= kMostUncommitted && added_bytes <= kMostUncommitted) return;
  throw Error(Code::kConfig,
              fmt::format("task {} {} 256 MiB without a commit", spec.name,
                          bytes > kMostUncommitted ? "read" : "added"),
              "call out:commit(batch) after each batch");
}

/// With --retry the first cursor gives the task's rejects instead of its source.
std::unique_ptr<Cursor> Task::Impl::open_cursor(size_t number) {
  if (number != 0 || !spec.settings.retry_rejects)
    return open_whole(*readings.at(number).source,
                      number == 0 ? committed.position : readings.at(number).at);
  if (!ledger) {
    throw Error(Code::kConfig, fmt::format("task {} cannot tell its rejects yet", spec.name),
                "make its writers before the first batch is read");
  }
  if (!retried) retried = reject_source(ledger->state(), spec.name);
  return retried->open({committed.id, committed.spec, 0}, committed.position);
}

Batch* Task::next(size_t number) {
  Impl& task = *impl_;
  Impl::Reading& reading = task.readings.at(number);
  const bool kept = number == 0;
  if (exhausted(number) || (reading.backoff.begun() && !reading.backoff.due())) return nullptr;
  task.need_room();
  if (task.batches_used == task.batches.size())
    task.batches.push_back(std::make_unique<GivenBatch>(task.arena));
  GivenBatch& batch = *task.batches[task.batches_used];
  batch.clear();
  batch.max_documents = reading.batch_rows;
  if (kept)
    batch.max_documents = static_cast<uint32_t>(std::min<int64_t>(batch.max_documents, task.left));
  batch.max_bytes = kBatchBytes;
  try {
    if (!reading.cursor) reading.cursor = task.open_cursor(number);
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
  reading.behind = reading.at;
  batch.begin(kept);
  task.bytes += batch.source_bytes;
  if (kept) {
    task.read += batch.documents.size();
    task.left -= static_cast<int64_t>(batch.documents.size());
  }
  if (kept && task.retried) {
    const std::vector<int64_t>& numbers = reject_numbers(*reading.cursor);
    task.resolved.insert(task.resolved.end(), numbers.begin(), numbers.end());
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
  if (!writers.empty()) return;
  throw Error(Code::kConfig, fmt::format("task {} has no writer", spec.name),
              "make one first: task:writer(lugger.target(...), { columns = ... })");
}

TaskWriter& Task::Impl::writer(size_t number) {
  need_writer();
  return *writers.at(number);
}

std::shared_ptr<const PlanShape> Task::shape(size_t writer) const {
  return impl_->writer(writer).shape();
}

void Task::write(size_t writer, Batch& batch) {
  impl_->writer(writer).write(static_cast<GivenBatch&>(batch));
  impl_->rows_added += batch.documents.size();
}

void Task::add(size_t writer, Bytes row, std::string_view table, GivenDocument of) {
  TaskWriter& out = impl_->writer(writer);
  impl_->need_room();
  if (of.batch == nullptr && impl_->spec.settings.retry_rejects) {
    throw Error(Code::kConfig,
                "the row belongs to no document: --retry would make it of the rejects alone",
                "name the document: out:add(row, doc); or run the whole task again with --restart");
  }
  out.add(row, table, of);
  impl_->added_bytes += row.size();
  ++impl_->rows_added;
}

void Task::reject(size_t writer, GivenDocument of, const std::string& column,
                  const std::string& message) {
  const TaskWriter& out = impl_->writer(writer);
  GivenBatch::Mark& mark = static_cast<GivenBatch&>(*of.batch).marks[of.index];
  if (std::exchange(mark, GivenBatch::Mark::kRejected) == GivenBatch::Mark::kRejected) return;
  const Document& document = of.batch->documents[of.index];
  RejectRecord record;
  record.table = out.shape()->tables().front().name;
  record.document_id = document_id(document, out.shape()->mapping());
  record.column = column;
  record.code = failure_code(Failure::kHook);
  record.message = message;
  record.operation = of.batch->operation(of.index);
  record.document = document_json(document);
  record.raw = keep_document(document);
  impl_->rejects.push_back(std::move(record));
}

void Task::skip(GivenDocument of, std::string_view reason) {
  impl_->need_writer();
  auto& batch = static_cast<GivenBatch&>(*of.batch);
  GivenBatch::Mark& mark = batch.marks[of.index];
  if (mark == GivenBatch::Mark::kRejected || mark == GivenBatch::Mark::kSkipped) return;
  mark = GivenBatch::Mark::kSkipped;
  batch.skip_reasons.emplace_back(of.index, reason);
  ++impl_->skips;
}

void Task::Impl::reset_unit() noexcept {
  for (size_t i = 0; i < batches_used; ++i) batches[i]->clear();
  batches_used = 0;
  for (const auto& writer : writers) writer->clear();
  rejects.clear();
  resolved.clear();
  skip_reasons.clear();
  booked = {};
  settled = false;
  read = bytes = added_bytes = rows_added = skips = 0;
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

}  // namespace lugger
