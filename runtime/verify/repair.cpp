#include "verify/repair.hpp"

#include <unordered_map>

#include "engine/ledger_run.hpp"
#include "engine/rejects.hpp"
#include "engine/retry.hpp"
#include "engine/start.hpp"
#include "verify/extra_rows.hpp"
#include "verify/source_pass.hpp"

namespace lugger {

namespace {

constexpr std::string_view kPartition = "repair";
constexpr uint32_t kUnitDocuments = 500;
constexpr size_t kUnitBytes = 8 << 20;
constexpr int kOrderBits = 40;

/// A repair writes what the document says, whatever the job's policy is. Only with `newer`, a row
/// with a greater version stays.
std::shared_ptr<const PlanShape> mending_shape(const VerifyContext& context) {
  Mapping mapping = context.shape->mapping();
  if (!context.keeps_newer()) mapping.newer.clear();
  mapping.on_conflict = mapping.key.empty() ? OnConflict::kError : OnConflict::kUpdate;
  mapping.mend = true;
  return std::make_shared<const PlanShape>(std::move(mapping));
}

/// Picks rows out of the source, in order of their documents, and loads them one unit at a time.
/// The other rows of these documents are right, or are not the rows that should be stored.
class Writer {
 public:
  Writer(VerifyContext& context, LedgerRun& ledger, std::shared_ptr<const PlanShape> shape,
         std::string mode)
      : context_(context),
        ledger_(ledger),
        shape_(std::move(shape)),
        mode_(std::move(mode)),
        plan_(shape_, static_cast<bool>(context.job.spec.hook)),
        hook_(context.job.make_hook(context.now)),
        unit_(unit_arena_) {
    context.job.embed_with(plan_, EmbedMode::kKept);
    stands_.id = kPartition;
    connect();
  }

  void write(const std::set<OwnRow>& rows) {
    for (const OwnRow& row : rows)
      if (row.id != 0) by_id_[row.id].push_back(row);
    for (size_t i = 0; i < context_.partitions.size(); ++i) {
      const uint64_t first = static_cast<uint64_t>(i) << kOrderBits;
      const auto end = rows.lower_bound({first + (uint64_t{1} << kOrderBits)});
      read(i, rows.lower_bound({first}), end, first);
    }
    commit();
  }
  uint64_t rejected() const noexcept { return rejected_; }

 private:
  using Place = std::set<OwnRow>::const_iterator;
  void read(size_t partition, Place next, Place end, uint64_t first) {
    if (next == end) return;
    const bool by_id = next->id != 0;
    const std::unique_ptr<Cursor> cursor =
        context_.job.source->open(context_.partitions[partition]);
    Arena arena;
    Batch batch(arena);
    while (by_id ? !by_id_.empty() : next != end) {
      if (context_.stop.requested()) {
        throw Error(Code::kInterrupted, "stopped between two transactions",
                    "the same command goes on: what is written is equal by now");
      }
      batch.clear();
      arena.reset();
      if (!cursor->fill(batch, context_.stop)) break;
      if (by_id) {
        take_by_id(batch);
        continue;
      }
      while (next != end && next->order - first < batch.documents.size()) {
        const uint64_t order = next->order;
        for (; next != end && next->order == order; ++next) {
          wanted_.insert({unit_.documents.size(), next->table, next->place});
        }
        take(batch.documents[order - first]);
      }
      first += batch.documents.size();
    }
  }

  /// Others write to the source: a document is where it was, or behind or before that.
  void take_by_id(const Batch& batch) {
    for (const Document& document : batch.documents) {
      const auto found = by_id_.find(id_hash(document, key_));
      if (found == by_id_.end()) continue;
      for (const OwnRow& row : found->second)
        wanted_.insert({unit_.documents.size(), row.table, row.place});
      by_id_.erase(found);
      take(document);
    }
  }

  void take(Document document) {
    document.data = unit_arena_.copy(document.bytes());
    unit_.documents.push_back(document);
    unit_.source_bytes += document.size;
    if (unit_.documents.size() >= kUnitDocuments || unit_.source_bytes >= kUnitBytes) commit();
  }

  void connect() {
    eraser_ = context_.rows->eraser();
    sink_ = context_.job.target->open(*shape_,
                                      {ledger_.run(), mode_, ledger_.state().lease_token(), 1});
  }

  void commit() {
    if (unit_.documents.empty()) return;
    plan_.run(unit_, hook_.get());
    for (const ComparedTable& table : context_.comparison.tables) {
      if (table.own) leave_wanted(table.table);
    }
    Tally gained;
    Backoff backoff(&context_.away);
    outlast(backoff, context_.stop, [&](bool lost) {
      if (lost) {
        connect();
        // A commit whose answer was lost may have succeeded; the ledger shows that.
        const auto settled = settle_unit(ledger_.state(), ledger_.run(), stands_);
        if (settled) gained = settled->gained;
        if (settled && settled->committed) return;
      }
      UnitRecord record = unit_record();
      for (const ComparedTable& table : context_.comparison.tables) {
        if (table.own) remove_orphans(table);
      }
      sink_->write(unit_);
      sink_->commit(record);
      gained = record.tally;
    });
    stands_.tally += gained;
    rejected_ += gained.rejected;
    unit_.clear();
    wanted_.clear();
    unit_arena_.reset();
  }

  UnitRecord unit_record() {
    UnitRecord record;
    record.run = ledger_.run();
    record.partition = kPartition;
    record.job = context_.job.spec.name;
    record.durable = true;
    record.tally.read = unit_.documents.size();
    record.tally.bytes = unit_.source_bytes;
    record.tally.rejected = unit_.refusals.size();
    for (const auto& [reason, documents] : unit_.skips) record.tally.skipped += documents;
    for (const Refusal& refusal : unit_.refusals) {
      RejectRecord reject = reject_record(refusal, unit_, *shape_);
      reject.run = ledger_.run();
      reject.job = context_.job.spec.name;
      record.rejects.push_back(std::move(reject));
    }
    return record;
  }

  void leave_wanted(size_t table) {
    RowSet& rows = unit_.tables[table];
    std::vector<uint32_t> places(unit_.documents.size());
    for (size_t i = 0; i < rows.rows(); ++i) {
      const uint32_t document = rows.document(i);
      if (!rows.live(i) || unit_.fates[document] != Fate::kLoad) continue;
      if (wanted_.count({document, static_cast<uint32_t>(table), places[document]++}) == 0)
        rows.drop(i);
    }
  }

  /// Child rows without a parent would conflict with those that are loaded with it.
  void remove_orphans(const ComparedTable& own) {
    const RowSet& rows = unit_.tables[own.table];
    std::vector<KeyText> texts;
    for (size_t i = 0; i < rows.rows(); ++i) {
      if (!rows.live(i) || unit_.fates[rows.document(i)] != Fate::kLoad) continue;
      KeyText& key = texts.emplace_back();
      for (const size_t k : own.key)
        key.push_back(server_text_or_null(rows.row(i)[own.columns[k].slot], own.columns[k]));
    }
    if (texts.empty() || own.key.empty()) return;
    std::vector<const KeyText*> keys;
    for (const auto& key : texts) keys.push_back(&key);
    for (size_t t = context_.comparison.tables.size(); t-- != 0;) {
      const ComparedTable& child = context_.comparison.tables[t];
      if (!child.own && !child.key.empty()) eraser_->erase_orphans(t, own.table, keys);
    }
  }

  VerifyContext& context_;
  LedgerRun& ledger_;
  std::shared_ptr<const PlanShape> shape_;
  std::string mode_;
  PartitionRecord stands_;  // after the last unit
  std::unique_ptr<RowEraser> eraser_;
  std::unique_ptr<RowSink> sink_;
  Plan plan_;
  std::unique_ptr<RowHook> hook_;
  Arena unit_arena_;
  Batch unit_;
  ByteBuffer key_;
  std::unordered_map<uint64_t, std::vector<OwnRow>> by_id_;  // that are still to be found
  std::set<OwnRow> wanted_;  // rows of the unit's documents, by document number in the unit
  uint64_t rejected_ = 0;
};

/// An interrupted repair is not resumed, because this verification has found again what is wrong.
void begin_run(VerifyContext& context, LedgerRun& ledger, const std::string& mode) {
  const SourceInfo info = context.job.source->info();
  RunRecord record;
  record.job = context.job.spec.name + " (repair)";
  record.script_hash = context.job.spec.script_hash;
  record.source = info.place;
  record.source_identity = info.identity;
  record.mode = mode;
  record.now = context.now;
  const std::optional<RunRecord> latest = ledger.state().latest(record.job);
  if (latest && is_unfinished(*latest)) ledger.give_up(*latest);
  PartitionRecord partition;
  partition.id = kPartition;
  ledger.begin(std::move(record), {partition});
}

void write_rows(VerifyContext& context, LedgerRun& ledger, const std::string& mode,
                const std::set<OwnRow>& rows, RepairResult& result) {
  Writer writer(context, ledger, mending_shape(context), mode);
  writer.write(rows);
  if (writer.rejected() != 0) {
    result.notes.push_back(
        fmt::format("{} of them were refused and stand among the rejects: see lugger rejects",
                    writer.rejected()));
  }
}

uint64_t documents_of(const std::set<OwnRow>& rows) {
  uint64_t out = 0;
  for (auto at = rows.begin(); at != rows.end(); ++out) at = rows.lower_bound({at->order + 1});
  return out;
}

void count_deleted(const std::vector<uint64_t>& rows, RepairResult& result) {
  result.deleted_of.resize(rows.size());
  for (size_t t = 0; t < rows.size(); ++t) {
    result.deleted_of[t] += rows[t];
    result.deleted += rows[t];
  }
}

/// A move that follows writes what is wrong by itself, in order with its changes.
std::string_view hint_of_claimed(Source& source) {
  return source.feed() ? "with --live the run that follows mends it; or stop that run first"
                       : "wait for it, or stop it first";
}

void apply_repair(VerifyContext& context, const WrongRows& wrong, const RepairOptions& options,
                  const std::set<OwnRow>& rows, RepairResult& result) {
  context.rows->eraser();  // nothing is recorded of a repair where none can be
  Target& target = context.job.open_target_once();
  const std::shared_ptr<const PlanShape> shape = mending_shape(context);
  TargetReport report = target.inspect(*shape, false, false);
  refuse_problems(report, context.job.spec.name);
  if (report.mode == "direct" && !shape->mapping().key.empty()) report.mode = "staged";
  LedgerRun ledger(target.state());
  take_lease(ledger.state(), context.job.spec.name, hint_of_claimed(*context.job.source));
  begin_run(context, ledger, report.mode);
  result.run = ledger.run();
  RunResult end;
  try {
    if (!rows.empty()) write_rows(context, ledger, report.mode, rows, result);
    if (options.delete_extra) count_deleted(delete_extra_rows(context, wrong), result);
    end_result(end, {}, false);
    ledger.end(end);
    result.notes.insert(result.notes.end(), end.warnings.begin(), end.warnings.end());
  } catch (const Error& error) {
    const bool stopped = error.code() == Code::kInterrupted;
    end_result(end, error, false);
    if (stopped) end.status = "stopped";
    ledger.end(end);
    throw;
  }
}

/// A table with keys that lugger cannot compare as the server does: a row that seems wrong may be
/// right, with its key in another form.
const ComparedTable* vague_table(const VerifyContext& context) {
  for (const ComparedTable& table : context.comparison.tables) {
    for (const size_t k : table.key) {
      if (table.columns[k].vague) return &table;
    }
  }
  return nullptr;
}

}  // namespace

bool repair_rows(VerifyContext& context, const WrongRows& wrong, const Verdict& verdict,
                 const RepairOptions& options, RepairResult& result) {
  std::set<OwnRow> rows = wrong.rows;
  result.extra_left = 0;
  if (options.delete_extra) {
    rows.insert(wrong.with_extra_children.begin(), wrong.with_extra_children.end());
  } else {
    result.extra_left = wrong.with_extra_children.size();
    for (const uint64_t extra : wrong.extra_rows) result.extra_left += extra;
  }
  result.beyond_keys = wrong.beyond_keys;
  result.of_refused = wrong.refused;
  result.documents += documents_of(rows);
  ++result.rounds;
  const bool deletes = options.delete_extra && !wrong.extra.empty();
  if (deletes) {
    // Checked in every round: rows may be extra now that were not extra in the first round.
    result.refused = why_not_delete(context, wrong, verdict, options, result.deleted_of);
    if (options.apply && !result.refused.empty()) {
      throw Error(Code::kVerify,
                  fmt::format("{}; nothing {}was written", result.refused,
                              result.rounds == 1 ? "" : "more "),
                  delete_hint(verdict, options));
    }
  }
  if (!options.apply || (rows.empty() && !deletes)) return false;
  if (const ComparedTable* table = vague_table(context)) {
    throw Error(Code::kVerify,
                fmt::format("only the server can tell which keys of {} are equal: their type has "
                            "no hash; a row might be written over a right one; nothing was "
                            "written",
                            table->name),
                "correct the rows by hand, or load again with on_conflict = 'update'");
  }
  apply_repair(context, wrong, options, rows, result);
  result.applied = true;
  return true;
}

}  // namespace lugger
