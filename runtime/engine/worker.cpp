#include "engine/worker.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <thread>
#include <utility>

#include "engine/ddl.hpp"
#include "engine/dry_run.hpp"
#include "engine/follow.hpp"
#include "engine/join.hpp"
#include "engine/ledger_run.hpp"
#include "engine/outdated.hpp"
#include "engine/rejects.hpp"

namespace lugger {

namespace {

// A unit is the content of one transaction: so large that the cost of a commit does not matter, so
// small that two workers stay under 64 MiB.
constexpr uint64_t kUnitBytes = 8 << 20;
constexpr uint64_t kUnitDocuments = 50000;
// Documents of a slow source or model are committed after this time at the latest.
constexpr double kUnitSeconds = 1;
// A feed that has told all is asked again after this time, so that a trickle of changes is not as
// many commits.
constexpr double kGatherSeconds = 0.1;
constexpr uint32_t kBatchDocuments = 500;
constexpr uint32_t kFeedDocuments = 2000;  // documents that changed are looked up batch by batch
constexpr size_t kBatchBytes = 256 << 10;

}  // namespace

Worker::Worker(RunShared& shared)
    : shared_(shared),
      plan_(shared.shape, static_cast<bool>(shared.job.spec.hook)),
      hook_(shared.job.make_hook(shared.now)) {}

Worker::~Worker() = default;

void Worker::work() noexcept {
  try {
    while (shared_.stop.level() == StopLevel::kNone && load_next()) continue;
  } catch (const Error& error) {
    shared_.fail(error);
  } catch (const std::exception& error) {
    shared_.fail(Error(Code::kBug, error.what()));
  }
  report();
}

/// False: there is nothing left to do for this worker.
bool Worker::load_next() {
  if (shared_.claims) {
    std::optional<PartitionRecord> claimed = claim_partition(shared_);
    return claimed && load(std::move(*claimed));
  }
  std::optional<PartitionRecord> claimed = shared_.partitions.claim(shared_.stop);
  if (!claimed) return false;
  bool done = false;
  try {
    done = load(std::move(*claimed));
  } catch (...) {
    shared_.partitions.give_back(false);
    throw;
  }
  shared_.partitions.give_back(done);
  return done;
}

/// False: the partition is not done, because the run is to stop or the limit is reached.
bool Worker::load(PartitionRecord partition) {
  Backoff backoff(&shared_.away);
  reset_unit();
  for (bool lost = false, again = false;;) {
    try {
      if (lost && settle_lost_unit(partition)) return true;
      lost = false;
      return load_open(partition, again, backoff);
    } catch (const ClaimLost&) {
      if (sink_) sink_->rollback();
      uncount_unit();
      return true;
    } catch (Error& error) {
      if (sink_) sink_->rollback();
      error.note("partition", partition.id);
      if (shared_.state == nullptr || !backoff.wait(shared_.stop, error)) {
        if (!lost) uncount_unit();
        if (error.code() == Code::kConnect && shared_.stop.requested()) return false;
        throw;
      }
      sink_.reset();
      lost = true;
    }
  }
}

/// Loads the partition from its position to its end. False: the run is to stop, or the limit is
/// reached.
bool Worker::load_open(PartitionRecord& partition, bool& again, Backoff& backoff) {
  if (!sink_)
    sink_ = shared_.state == nullptr
                ? dry_run_sink()
                : shared_.job.target->open(*shared_.shape, shared_.sink_options);
  sink_->commit_under(partition.claim);
  const std::unique_ptr<Cursor> cursor =
      shared_.source->open(part_of(partition), partition.position);
  cursor_bytes_ = std::exchange(again, true) ? cursor->bytes() : 0;
  count_bytes(*cursor);
  tell_followed(shared_, *cursor);
  while (shared_.pace.wait(std::exchange(paced_, 0), shared_.stop) && load_unit(*cursor, partition))
    backoff.reset();
  return !shared_.stop.requested() && !limit_reached_;
}

/// A commit whose answer was lost may have succeeded; the ledger shows that. If it did not, the
/// unit is read again. True: the partition is done.
bool Worker::settle_lost_unit(PartitionRecord& partition) {
  bool committed = false;
  Tally gained;
  {
    const std::lock_guard lock(shared_.mutex);  // the ledger has one session for all workers
    if (auto settled = settle_unit(*shared_.state, shared_.run, partition)) {
      if (settled->partition.claim != partition.claim) throw ClaimLost(partition.id);
      committed = settled->committed;
      gained = settled->gained;
      shared_.tally += gained;
      shared_.rows.fetch_add(gained.rows, std::memory_order_relaxed);
      shared_.read.fetch_sub(settled->taken_back, std::memory_order_relaxed);
      shared_.allowance.give_back(settled->taken_back);
      partition = std::move(settled->partition);
    }
  }
  if (committed) {
    // Only the ledger knows the documents that the server rejected. The others were counted when
    // they were read.
    shared_.rejected.fetch_add(gained.rejected - unit_rejected_, std::memory_order_relaxed);
    count_unit();
  } else {
    uncount_unit();
  }
  reset_unit();
  return partition.done;
}

void Worker::gather() const {
  const std::chrono::duration<double> rest(kGatherSeconds - unit_age_.seconds());
  if (drained_ && rest.count() > 0) std::this_thread::sleep_for(rest);
}

/// Loads one unit. False: the partition is done, or the run is to stop.
bool Worker::load_unit(Cursor& cursor, PartitionRecord& partition) {
  gather();
  reset_unit();
  const ReadCounts before = cursor.counts();
  bool exhausted = false;
  const bool finish = fill_unit(cursor, exhausted);
  if (shared_.stop.level() == StopLevel::kNow) {
    sink_->rollback();
    uncount_unit();
    return false;
  }
  if (!finish && unit_documents_ == 0 && cursor.ddl() != nullptr) pass_ddl(cursor);
  const bool moved =
      idled_ &&
      cursor.position() != (partition.position.empty() ? partition.start : partition.position);
  if (unit_documents_ == 0 && !exhausted && !moved) return !finish;
  unit_counts_ = cursor.counts();
  unit_counts_ -= before;
  unit_ = unit_record(partition, cursor.position(), exhausted);
  add_notices(cursor, unit_);
  commit_unit(unit_);
  note_refused(shared_, cursor, unit_);
  if (shared_.live) cursor.committed(unit_.position);
  tell_followed(shared_, cursor);
  partition.tally += unit_.tally;
  partition.position = unit_.position;
  partition.done = exhausted;
  paced_ = unit_documents_;
  reset_unit();
  return !exhausted && !finish;
}

/// Reads, plans and writes batches until the unit is full or old enough. True: this is the last
/// unit, although the partition may have more documents.
bool Worker::fill_unit(Cursor& cursor, bool& exhausted) {
  drained_ = false;
  while (std::max<uint64_t>(unit_bytes_, embeds_ ? arena_.used() : 0) < kUnitBytes &&
         unit_documents_ < kUnitDocuments && !(slow_ && unit_age_.seconds() >= kUnitSeconds)) {
    if (shared_.stop.requested()) return true;
    Batch& batch = next_batch();
    const Next got = read_batch(cursor, batch);
    exhausted = got == Next::kEnd;
    if (exhausted || limit_reached_) return true;
    idled_ = idled_ || got == Next::kIdle;
    if (got == Next::kIdle) {
      if (cursor.ddl() != nullptr) return false;
      continue;
    }
    ++batches_used_;
    if (shared_.settings.retry_rejects) {
      std::ranges::copy(reject_numbers(cursor), std::back_inserter(resolved_));
    }
    plan_.run(batch, hook_.get());
    if (key_check_) key_check_->refuse_rekeyed(batch);
    sink_->write(batch);
    count_bytes(cursor);
    shared_.rejected.fetch_add(batch.refusals.size(), std::memory_order_relaxed);
    unit_rejected_ += batch.refusals.size();
    drained_ = shared_.live && !cursor.at_hand();
    if (drained_) break;
  }
  return false;
}

/// What was done to the collection as a whole is a unit of its own, behind what came before it.
void Worker::pass_ddl(Cursor& cursor) {
  const Ddl ddl = *cursor.ddl();
  const DdlOutcome outcome = settle_ddl(ddl, shared_.job.spec.on_ddl);
  UnitRecord& passed = passed_.emplace();
  passed.clears = outcome.clears;
  passed.source_identity = ddl.identity;
  passed.notices.push_back(
      {"", std::string(kDdlWords[static_cast<size_t>(ddl.kind)]), ddl.what, outcome.done});
  cursor.pass_ddl(outcome.follows);
}

/// kEnd when the limit is reached.
Next Worker::read_batch(Cursor& cursor, Batch& batch) {
  const uint32_t claimed =
      shared_.allowance.claim(shared_.live ? kFeedDocuments : kBatchDocuments, shared_.stop);
  limit_reached_ = claimed == 0;
  if (limit_reached_) return Next::kIdle;
  batch.max_documents = claimed;
  batch.max_bytes = kBatchBytes;
  Next got;
  try {
    got = ask(cursor, batch);
  } catch (...) {
    shared_.allowance.settle(claimed, 0);
    throw;
  }
  if (shared_.live) shared_.behind = cursor.behind().value_or(-1);
  const uint64_t documents = got == Next::kBatch ? batch.documents.size() : 0;
  shared_.allowance.settle(claimed, documents);
  unit_bytes_ += batch.source_bytes;
  shared_.pace.took(batch.source_bytes);
  unit_documents_ += documents;
  shared_.read.fetch_add(documents, std::memory_order_relaxed);
  return got;
}

/// Progress tells when a source that others write to does not answer.
Next Worker::ask(Cursor& cursor, Batch& batch) {
  if (!shared_.source_moves) return cursor.next(batch, shared_.stop);
  Away::Asking asking(shared_.away);
  const Next got = cursor.next(batch, shared_.stop);
  asking.answered();
  return got;
}

/// Called when the unit is committed: adds what only this worker has counted for it.
void Worker::count_unit() {
  counts_ += unit_counts_;
  unmapped_.commit(plan_.unmapped());
  replaced_.commit(replaced());
  for (const auto& [reason, documents] : unit_skips_) skip_reasons_[reason] += documents;
  if (!unit_.tried.empty()) return;
  for (const RejectRecord& reject : unit_.rejects) rejects_.add(reject, unit_.redact);
}

/// Progress is shown in bytes on disk. A resumed cursor starts with the bytes before its position.
void Worker::count_bytes(const Cursor& cursor) {
  const uint64_t bytes = cursor.bytes();
  shared_.bytes.fetch_add(bytes - cursor_bytes_, std::memory_order_relaxed);
  unit_progress_ += bytes - cursor_bytes_;
  cursor_bytes_ = bytes;
}

/// Documents that were rolled back are read and counted again.
void Worker::uncount_unit() {
  shared_.allowance.give_back(unit_documents_);
  unmapped_.rollback(plan_.unmapped());
  replaced_.rollback(replaced());
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
  if (shared_.changes) unit.documents = [this] { return unit_ids(); };
  unit.rejected_before = shared_.rejected_before;
  unit.keeps_refused = shared_.tries_again;
  if (unit.keeps_refused) unit.job = shared_.job.spec.name;
  unit.tally.read = unit_documents_;
  unit.tally.bytes = unit_bytes_;
  for (size_t i = 0, first = 0; i < batches_used_; ++i) {
    Batch& batch = *batches_[i];
    for (const Refusal& refusal : batch.refusals) {
      RejectRecord record = reject_record(refusal, batch, *shared_.shape);
      record.run = shared_.run;
      record.job = shared_.job.spec.name;
      record.place = first + refusal.document;
      unit.rejects.push_back(std::move(record));
    }
    unit.tally.rejected += batch.refusals.size();
    for (const auto& [reason, documents] : batch.skips) {
      unit.tally.skipped += documents;
      unit_skips_[reason] += documents;
    }
    first += batch.documents.size();
  }
  leave_out_outdated({batches_.data(), batches_used_}, *shared_.shape, unit);
  return unit;
}

/// What the unit brings to the ledger beside its rows.
void Worker::add_notices(Cursor& cursor, UnitRecord& unit) {
  if (!shared_.settings.follow) return;
  add_settled(cursor, unit);
  if (passed_) {
    unit.clears = passed_->clears;
    unit.source_identity = passed_->source_identity;
    unit.notices = passed_->notices;
  }
  std::ranges::move(cursor.take_notices(), std::back_inserter(unit.notices));
  for (const auto& [path, documents] : unmapped_.pending(plan_.unmapped()))
    unit.notices.push_back({"", std::string(kFieldNotice), path, "", documents});
  for (Notice& notice : unit.notices) notice.job = shared_.job.spec.name;
}

std::vector<std::string> Worker::unit_ids() const {
  std::vector<std::string> out;
  for (size_t i = 0; i < batches_used_; ++i)
    for (const Document& document : batches_[i]->documents)
      out.push_back(document_id(document, shared_.shape->mapping()));
  return out;
}

void Worker::commit_unit(UnitRecord& unit) {
  const uint64_t read = unit.tally.read;
  sink_->commit(unit);
  shared_.read.fetch_add(unit.tally.read - read, std::memory_order_relaxed);
  tell_notices(unit);
  if (!unit.rejects.empty()) shared_.rejected_before = true;
  count_unit();
  shared_.rejected.fetch_add(unit.tally.rejected - unit_rejected_, std::memory_order_relaxed);
  shared_.rows.fetch_add(unit.tally.rows, std::memory_order_relaxed);
  const std::lock_guard lock(shared_.mutex);
  shared_.tally += unit.tally;
}

/// For whoever looks on; what is met again and again is told once.
void Worker::tell_notices(const UnitRecord& unit) {
  const std::lock_guard lock(shared_.mutex);
  for (const Notice& notice : unit.notices) shared_.noticed.add(notice);
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
  unit_age_ = {};
  idled_ = false;
  unit_ = {};
  passed_.reset();
  unit_counts_ = {};
  unit_skips_.clear();
  resolved_.clear();
  arena_.reset();
}

/// Adds what only this worker has counted to the run.
void Worker::report() {
  const std::lock_guard lock(shared_.mutex);
  shared_.counts += counts_;
  unmapped_.add_to(shared_.unmapped);
  for (const auto& [path, met] : plan_.met()) shared_.met[path] = shared_.met[path] | met;
  replaced_.add_to(shared_.replaced);
  for (const auto& [reason, count] : skip_reasons_) shared_.skip_reasons[reason] += count;
  shared_.rejects.add(rejects_);
}

}  // namespace lugger
