// One worker: claims partitions and moves their documents, unit by unit, from its cursor through
// its plan into its sink.
#pragma once
#include "base/clock.hpp"
#include "engine/net_counts.hpp"
#include "engine/rekeyed.hpp"
#include "engine/retry.hpp"
#include "engine/run_impl.hpp"

namespace lugger {

class Worker {
 public:
  explicit Worker(RunShared& shared);
  ~Worker();
  /// Works until no partition is left, the run is stopped, or something fails. Failures are
  /// reported through shared.fail().
  void work() noexcept;

 private:
  bool load_next();
  bool load(PartitionRecord partition);
  bool load_open(PartitionRecord& partition, bool& again, Backoff& backoff);
  bool settle_lost_unit(PartitionRecord& partition);
  bool load_unit(Cursor& cursor, PartitionRecord& partition);
  void gather() const;
  bool fill_unit(Cursor& cursor, bool& exhausted);
  void pass_ddl(Cursor& cursor);
  Next read_batch(Cursor& cursor, Batch& batch);
  Next ask(Cursor& cursor, Batch& batch);
  void commit_unit(UnitRecord& unit);
  UnitRecord unit_record(const PartitionRecord& partition, const Position& position, bool done);
  void add_notices(Cursor& cursor, UnitRecord& unit);
  void tell_notices(const UnitRecord& unit);
  std::vector<std::string> unit_ids() const;
  Batch& next_batch();
  void reset_unit() noexcept;
  void count_bytes(const Cursor& cursor);
  void uncount_unit();
  void count_unit();
  /// By the plan, and by the target, whose columns may hold less.
  NetCounts::Counts replaced() const {
    NetCounts::Counts out = plan_.replaced();
    if (!sink_) return out;
    for (const auto& [column, count] : sink_->replaced()) out[column] += count;
    return out;
  }
  void report();

  RunShared& shared_;
  Plan plan_;
  std::unique_ptr<RowHook> hook_;
  // Vectors take more room than their documents.
  const bool embeds_ =
      shared_.job.embed_with(plan_, shared_.state == nullptr ? EmbedMode::kCount : EmbedMode::kAsk);
  const bool slow_ = shared_.live || embeds_;
  // Of a hooked job whose source tells of deletes.
  const std::unique_ptr<KeyCheck> key_check_ =
      hook_ && is_followed(shared_) ? std::make_unique<KeyCheck>(shared_.shape) : nullptr;
  std::unique_ptr<RowSink> sink_;
  Arena arena_;                                  // owns the bytes of the open unit until its commit
  std::vector<std::unique_ptr<Batch>> batches_;  // of the open unit; the objects are reused
  size_t batches_used_ = 0;
  uint64_t unit_bytes_ = 0, unit_documents_ = 0, cursor_bytes_ = 0, unit_progress_ = 0,
           unit_rejected_ = 0;
  uint64_t paced_ = 0;  // documents committed but not yet reported to the pace
  bool limit_reached_ = false;
  bool idled_ = false;    // the cursor had no documents at least once since the unit began
  bool drained_ = false;  // the last unit had all that a feed had to tell
  Stopwatch unit_age_;    // from the last commit on
  UnitRecord unit_;       // the open unit, from its commit until the outcome of the commit is known
  ReadCounts counts_, unit_counts_;  // committed; and of the open unit
  std::vector<int64_t> resolved_;    // --retry: the rejects that this unit resolves
  NetCounts unmapped_, replaced_;
  std::map<std::string, uint64_t> skip_reasons_;  // committed
  RejectGroups rejects_;
  std::map<std::string, uint64_t> unit_skips_;
  std::optional<UnitRecord> passed_;  // what ddl() of the cursor brings to the open unit
};

}  // namespace lugger
