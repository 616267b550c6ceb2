#include "engine/worker.hpp"

#include "engine/dry_run.hpp"
#include "engine/rejects.hpp"
#include "engine/retry.hpp"

namespace lugger {

namespace {

// A unit is what one transaction holds: large enough that commits cost nothing, small enough that
// two workers stay under 64 MiB.
constexpr uint64_t kUnitBytes = 8 << 20;
constexpr uint64_t kUnitDocuments = 50000;
constexpr uint32_t kBatchDocuments = 500;
constexpr size_t kBatchBytes = 256 << 10;

Tally difference(Tally after, const Tally& before) noexcept {
  after.read -= before.read, after.inserted -= before.inserted, after.updated -= before.updated;
  after.unchanged -= before.unchanged, after.skipped -= before.skipped;
  after.rejected -= before.rejected, after.suppressed -= before.suppressed,
      after.rows -= before.rows;
  after.child_rows -= before.child_rows, after.bytes -= before.bytes;
  return after;
}

}  // namespace

Worker::Worker(RunShared& shared)
    : shared_(shared),
      plan_(shared.shape, static_cast<bool>(shared.job.spec.hook)),
      hook_(shared.job.make_hook(shared.now)) {}

Worker::~Worker() = default;

void Worker::work() noexcept {
  try {
    while (shared_.stop.level() == StopLevel::kNone) {
      std::optional<PartitionRecord> partition = shared_.partitions.claim();
      if (!partition) break;
      if (!load(std::move(*partition))) break;
    }
  } catch (const Error& error) {
    shared_.fail(error);
  } catch (const std::exception& error) {
    shared_.fail(Error(Code::kBug, error.what()));
  }
  report();
}

bool Worker::load(PartitionRecord partition) {
  Backoff backoff;
  for (bool lost = false, again = false;;) {
    try {
      if (lost && committed_meanwhile(partition)) return true;
      lost = false;
      if (!sink_)
        sink_ = shared_.state == nullptr
                    ? dry_run_sink()
                    : shared_.job.target->open(*shared_.shape, shared_.sink_options);
      const std::unique_ptr<Cursor> cursor =
          shared_.source->open({partition.id, partition.spec, partition.bytes}, partition.position);
      cursor_bytes_ = again ? cursor->bytes() : 0;
      again = true;  // NOLINT(clang-analyzer-deadcode.DeadStores): read behind a lost connection
      count_bytes(*cursor);
      while (shared_.pace.wait(unit_documents_, shared_.stop) && load_unit(*cursor, partition))
        backoff.reset();
      tolerated_ += cursor->tolerated();
      replayed_ += cursor->replayed();
      return !shared_.stop.requested();
    } catch (Error& error) {
      if (sink_) sink_->rollback();
      uncount_unit();
      reset_unit();
      error.note("partition", partition.id);
      if (error.code() != Code::kConnect || shared_.state == nullptr || !backoff.wait(shared_.stop))
        throw;
      sink_.reset();
      lost = true;
    }
  }
}

/// A commit whose answer was lost may have happened: the ledger knows. True: nothing is left to do.
bool Worker::committed_meanwhile(PartitionRecord& partition) {
  const std::lock_guard lock(
      shared_.mutex);  // the ledger has one session, and other workers lost theirs too
  for (PartitionRecord& record : shared_.state->partitions(shared_.run)) {
    if (record.id != partition.id) continue;
    const Tally gained = difference(record.tally, partition.tally);
    shared_.tally += gained;
    shared_.read.fetch_add(gained.read, std::memory_order_relaxed);
    shared_.rows.fetch_add(gained.rows, std::memory_order_relaxed);
    shared_.rejected.fetch_add(gained.rejected, std::memory_order_relaxed);
    partition = std::move(record);
  }
  return partition.done;
}

/// One unit; false when the partition is done or the run is to stop.
bool Worker::load_unit(Cursor& cursor, PartitionRecord& partition) {
  reset_unit();
  bool exhausted = false;
  const bool finish = fill_unit(cursor, exhausted);
  if (shared_.stop.level() == StopLevel::kNow) {
    sink_->rollback();
    return false;
  }
  UnitRecord unit = unit_record(partition, cursor.position(), exhausted);
  commit_unit(unit);
  partition.tally += unit.tally;
  partition.position = unit.position;
  partition.done = exhausted;
  return !exhausted && !finish;
}

/// Reads, plans and writes batches until the unit is full. True: this is the last unit although the
/// partition may go on.
bool Worker::fill_unit(Cursor& cursor, bool& exhausted) {
  while (unit_bytes_ < kUnitBytes && unit_documents_ < kUnitDocuments) {
    if (shared_.stop.requested()) return true;
    Batch& batch = next_batch();
    const int64_t left = shared_.documents_left.load(std::memory_order_relaxed);
    if (left <= 0) return true;
    batch.max_documents = kBatchDocuments;
    batch.max_bytes = kBatchBytes;
    if (shared_.settings.limit != 0) {
      // Claimed before reading, so that workers together keep to the limit.
      const int64_t before =
          shared_.documents_left.fetch_sub(kBatchDocuments, std::memory_order_relaxed);
      if (before <= 0) return true;
      batch.max_documents = static_cast<uint32_t>(std::min<int64_t>(before, kBatchDocuments));
    }
    if (!cursor.next(batch)) {
      exhausted = true;
      return true;
    }
    ++batches_used_;
    if (shared_.settings.retry_rejects) {
      const std::vector<int64_t>& numbers = reject_numbers(cursor);
      resolved_.insert(resolved_.end(), numbers.begin(), numbers.end());
    }
    plan_.run(batch, hook_.get());
    sink_->write(batch);
    unit_bytes_ += batch.source_bytes;
    unit_documents_ += batch.documents.size();
    shared_.read.fetch_add(batch.documents.size(), std::memory_order_relaxed);
    count_bytes(cursor);
    shared_.rejected.fetch_add(batch.refusals.size(), std::memory_order_relaxed);
    unit_rejected_ += batch.refusals.size();
  }
  return false;
}

/// Progress is told in bytes as they lie on disk; a resumed cursor begins with what lies behind it.
void Worker::count_bytes(const Cursor& cursor) {
  const uint64_t bytes = cursor.bytes();
  shared_.bytes.fetch_add(bytes - cursor_bytes_, std::memory_order_relaxed);
  unit_progress_ += bytes - cursor_bytes_;
  cursor_bytes_ = bytes;
}

/// What was rolled back is read again, and then counted again.
void Worker::uncount_unit() noexcept {
  shared_.bytes.fetch_sub(unit_progress_, std::memory_order_relaxed);
  shared_.read.fetch_sub(unit_documents_, std::memory_order_relaxed);
  shared_.rejected.fetch_sub(unit_rejected_, std::memory_order_relaxed);
}

UnitRecord Worker::unit_record(const PartitionRecord& partition, const Position& position,
                               bool done) {
  UnitRecord unit;
  unit.run = shared_.run;
  unit.partition = partition.id;
  unit.position = position;
  unit.done = done;
  unit.redact = shared_.settings.redact;
  unit.resolved = resolved_;
  unit.tally.read = unit_documents_;
  unit.tally.bytes = unit_bytes_;
  for (size_t i = 0; i < batches_used_; ++i) {
    Batch& batch = *batches_[i];
    for (const Refusal& refusal : batch.refusals) {
      RejectRecord record = reject_record(refusal, batch, *shared_.shape);
      record.run = shared_.run;
      record.job = shared_.job.spec.name;
      unit.rejects.push_back(std::move(record));
    }
    unit.tally.rejected += batch.refusals.size();
    for (const auto& [reason, documents] : batch.skips) {
      unit.tally.skipped += documents;
      skip_reasons_[reason] += documents;
    }
  }
  return unit;
}

void Worker::commit_unit(UnitRecord& unit) {
  sink_->commit(unit);
  if (!unit.tally.balanced()) {
    const Tally& t = unit.tally;
    raise(Code::kBug,
          "the books do not balance: read {} is not inserted {} + updated {} + unchanged {} + "
          "skipped {} + rejected {} + suppressed {}",
          t.read, t.inserted, t.updated, t.unchanged, t.skipped, t.rejected, t.suppressed);
  }
  for (const RejectRecord& reject : unit.rejects) ++reject_codes_[reject.code];
  shared_.rows.fetch_add(unit.tally.rows, std::memory_order_relaxed);
  const std::lock_guard lock(shared_.mutex);
  shared_.tally += unit.tally;
}

Batch& Worker::next_batch() {
  if (batches_used_ == batches_.size()) batches_.push_back(std::make_unique<Batch>(arena_));
  Batch& batch = *batches_[batches_used_];
  batch.clear();
  return batch;
}

void Worker::reset_unit() noexcept {
  batches_used_ = 0;
  unit_bytes_ = unit_documents_ = unit_progress_ = unit_rejected_ = 0;
  resolved_.clear();
  arena_.reset();
}

/// Hands over what only this worker counted.
void Worker::report() {
  const std::lock_guard lock(shared_.mutex);
  shared_.tolerated += tolerated_;
  shared_.replayed += replayed_;
  for (const auto& [path, count] : plan_.unmapped()) shared_.unmapped[path] += count;
  for (const auto& [column, count] : plan_.replaced()) shared_.replaced[column] += count;
  for (const auto& [reason, count] : skip_reasons_) shared_.skip_reasons[reason] += count;
  for (const auto& [code, count] : reject_codes_) shared_.reject_codes[code] += count;
}

}  // namespace lugger
