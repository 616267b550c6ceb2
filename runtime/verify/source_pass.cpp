#include "verify/source_pass.hpp"

#include "change/id_key.hpp"
#include "engine/rejects.hpp"
#include "value/bson_reader.hpp"
#include "verify/newer_rank.hpp"
#include "verify/refused_keys.hpp"

namespace lugger {

namespace {

constexpr uint32_t kBatchDocuments = 500;
constexpr size_t kBatchBytes = 256 << 10;
constexpr int kOrderBits = 40;  // for a document's number within its partition

}  // namespace

uint64_t id_hash(const Document& document, ByteBuffer& scratch) {
  const bool known =
      document.format == Format::kBson && make_id_key(bson_field(document.bytes(), "_id"), scratch);
  return known ? hash_of(scratch.view()) | 1 : 0;
}

/// One worker's plan and reused memory.
class SourcePass::Reader {
 public:
  Reader(VerifyContext& context, KnownRejects::Pass& rejects, SourceUse& use)
      : context_(context),
        rejects_(rejects),
        use_(use),
        plan_(context.shape, static_cast<bool>(context.job.spec.hook)),
        hook_(context.job.make_hook(context.now)),
        digester_(context.seed),
        refused_(*context.shape, context.comparison.tables),
        batch_(arena_),
        values_(context.rows->values()),
        moves_(context.job.source->info().moves) {
    context.job.embed_with(plan_, EmbedMode::kKept);
  }

  void read(size_t partition, const Crew& crew) {
    const std::unique_ptr<Cursor> cursor =
        context_.job.source->open(context_.partitions[partition]);
    uint64_t number = static_cast<uint64_t>(partition) << kOrderBits, bytes = 0;
    batch_.max_documents = kBatchDocuments;
    batch_.max_bytes = kBatchBytes;
    while (!crew.stopped() && !use_.enough()) {
      batch_.clear();
      arena_.reset();
      if (!cursor->fill(batch_, context_.stop)) break;
      plan_.run(batch_, hook_.get());
      leave_out();
      if (values_) values_->apply(batch_, hashes_);
      give(number);
      number += batch_.documents.size();
      count();
      context_.source_documents.fetch_add(batch_.documents.size(), std::memory_order_relaxed);
      context_.source_bytes.fetch_add(cursor->bytes() - bytes, std::memory_order_relaxed);
      bytes = cursor->bytes();
    }
  }

  SourceFacts facts() {
    facts_.unmapped = plan_.unmapped();
    facts_.replaced = plan_.replaced();
    return std::move(facts_);
  }

 private:
  /// Skips documents outside --since, and marks those that the ledger keeps as rejects of the load,
  /// because they need not be in the target.
  void leave_out() {
    outside_.assign(batch_.documents.size(), 0);
    spare_.assign(batch_.documents.size(), 0);
    if (!context_.since && context_.rejects.empty()) return;
    for (size_t i = 0; i < batch_.documents.size(); ++i) {
      const Document& document = batch_.documents[i];
      if (context_.since && !context_.since->includes(document)) {
        outside_[i] = 1;
        ++facts_.outside;
      } else if (batch_.fates[i] == Fate::kLoad && !context_.rejects.empty() &&
                 rejects_.takes(document, context_.shape->mapping())) {
        spare_[i] = 1;
        ++facts_.kept_rejects;
      }
    }
  }

  /// Others may put documents before one, or take them away: its _id stays.
  void find_ids() {
    ids_.assign(batch_.documents.size(), 0);
    if (!moves_) return;
    for (size_t i = 0; i < ids_.size(); ++i) ids_[i] = id_hash(batch_.documents[i], key_);
  }

  void give(uint64_t first) {
    find_ids();
    for (const ComparedTable& table : context_.comparison.tables) {
      const RowSet& rows = batch_.tables[table.table];
      places_.assign(batch_.documents.size(), 0);
      for (size_t i = 0; i < rows.rows(); ++i) {
        const uint32_t document = rows.document(i);
        if (!rows.live(i) || batch_.fates[document] != Fate::kLoad || outside_[document] != 0)
          continue;
        const Value* slots = rows.row(i);
        const Turn turn{first + document, newer(table, slots), version(table, slots),
                        places_[document]++, ids_[document]};
        const RowDigests digests = digester_.digest(table, [&](size_t c) -> const Value& {
          const ComparedColumn& column = table.columns[c];
          return column.hash < 0 ? slots[column.slot] : hashes_.of(table, i, c);
        });
        const Standing standing = spare_[document] != 0 ? Standing::kSpare : Standing::kExpected;
        if (context_.sampled(digests.root))
          use_.row({table, batch_.documents[document], slots, digests, turn, standing});
      }
    }
    facts_.without_key += refused_.find(
        batch_, outside_, digester_,
        [&](const ComparedTable& table, const RowDigests& digests, uint32_t document) {
          if (context_.sampled(digests.root))
            use_.row({table,
                      batch_.documents[document],
                      nullptr,
                      digests,
                      {first + document},
                      Standing::kRefused});
        });
  }

  static uint64_t newer(const ComparedTable& table, const Value* slots) {
    return table.newer_compared < 0 ? 0 : newer_rank(slots[static_cast<size_t>(table.newer)]);
  }

  uint64_t version(const ComparedTable& table, const Value* slots) {
    if (table.version < 0) return 0;
    const ComparedColumn& column = table.columns[static_cast<size_t>(table.version)];
    return digester_.column(column, slots[column.slot]).lo;
  }

  void count() {
    for (size_t i = 0; i < batch_.documents.size(); ++i) {
      if (outside_[i] != 0) continue;
      facts_.skipped += batch_.fates[i] == Fate::kSkip ? 1 : 0;
      // One that the ledger keeps is counted, whoever refuses it now.
      facts_.rejected += batch_.fates[i] == Fate::kReject && spare_[i] == 0 ? 1 : 0;
    }
    facts_.documents += batch_.documents.size();
    for (const auto& [reason, documents] : batch_.skips) facts_.skip_reasons[reason] += documents;
    for (const Refusal& refusal : batch_.refusals)
      if (spare_[refusal.document] == 0) ++facts_.reject_codes[std::string(refusal_code(refusal))];
  }

  VerifyContext& context_;
  KnownRejects::Pass& rejects_;
  SourceUse& use_;
  Plan plan_;
  std::unique_ptr<RowHook> hook_;
  RowDigester digester_;
  RefusedKeys refused_;
  Arena arena_;
  Batch batch_;
  std::unique_ptr<TargetValues> values_;
  KeyHashes hashes_;
  std::vector<uint8_t> outside_, spare_;  // one for each document of the batch
  std::vector<uint32_t> places_;          // the number of its rows in each table so far
  ByteBuffer key_;
  const bool moves_;           // others write to the source
  std::vector<uint64_t> ids_;  // as in Turn, one for each document of the batch
  SourceFacts facts_;
};

std::optional<size_t> SourcePass::claim() {
  const std::lock_guard lock(mutex_);
  if (next_ == context_.partitions.size()) return std::nullopt;
  return next_++;
}

void SourcePass::add(const SourceFacts& more) {
  const std::lock_guard lock(mutex_);
  facts_.documents += more.documents, facts_.skipped += more.skipped;
  facts_.rejected += more.rejected, facts_.kept_rejects += more.kept_rejects;
  facts_.outside += more.outside, facts_.without_key += more.without_key;
  for (const auto& [path, count] : more.unmapped) facts_.unmapped[path] += count;
  for (const auto& [column, count] : more.replaced) facts_.replaced[column] += count;
  for (const auto& [reason, count] : more.skip_reasons) facts_.skip_reasons[reason] += count;
  for (const auto& [code, count] : more.reject_codes) facts_.reject_codes[code] += count;
}

void SourcePass::work(SourceUse& use, const Crew& crew) {
  Reader reader(context_, rejects_, use);
  while (!crew.stopped() && !use.enough()) {
    const std::optional<size_t> partition = claim();
    if (!partition) break;
    reader.read(*partition, crew);
  }
  add(reader.facts());
}

}  // namespace lugger
