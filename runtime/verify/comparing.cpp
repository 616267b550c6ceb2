#include "verify/comparing.hpp"

#include "base/text.hpp"

namespace lugger {

namespace {

constexpr size_t kRootWords = (8 << 20) / sizeof(uint64_t);  // --where: a bit for each hashed root

std::string digest_text(const Digest& digest) {
  return fmt::format("{:016x}{:016x}", digest.hi, digest.lo);
}

}  // namespace

class Comparing::SourceSums final : public SourceUse {
 public:
  explicit SourceSums(size_t tables) : sums(tables) {}
  void row(const SourceRow& row) override {
    if (row.standing != Standing::kExpected) return;
    sums[row.table.table].add(row.digests.root, row.digests.row);
  }
  std::vector<BucketSums> sums;
};

class Comparing::TargetSums {
 public:
  TargetSums(size_t tables, std::vector<std::atomic<uint64_t>>& roots)
      : sums(tables), roots_(roots) {}
  void row(const TargetRow& row) {
    sums[row.table.table].add(row.digests.root, row.digests.row);
    if (roots_.empty()) return;
    const uint64_t bit = row.digests.root.lo % (64 * roots_.size());
    roots_[bit / 64].fetch_or(uint64_t{1} << (bit % 64), std::memory_order_relaxed);
  }
  std::vector<BucketSums> sums;

 private:
  std::vector<std::atomic<uint64_t>>& roots_;
};

/// Rows whose key another row has too, in a target without a unique index.
class Comparing::DoubledRows {
 public:
  explicit DoubledRows(std::vector<uint8_t>& buckets) : buckets_(buckets) {}
  void row(const TargetRow& row) {
    if (row.digests.null_key) return;
    buckets_[bucket_of(row.digests.root)] = 1;
    ++rows;
  }
  uint64_t rows = 0;

 private:
  std::vector<uint8_t>& buckets_;
};

void Comparing::run(const std::function<void(const char*)>& stage) {
  stage("reading");
  const std::unique_ptr<RowSnapshot> snapshot = context_.rows->snapshot(context_.connections);
  verdict_.position = snapshot->position();
  details_ = std::make_unique<Details>(context_);
  read_both(*snapshot);
  find_doubled(snapshot->reader(0));
  set_counts();
  stage("comparing");
  compare_groups(*snapshot);
  stage("looking closer");
  details_->read_source();
  finish(snapshot->reader(0));
}

void Comparing::read_both(RowSnapshot& snapshot) {
  const size_t tables = context_.comparison.tables.size();
  if (context_.options.narrows_target()) roots_ = std::vector<std::atomic<uint64_t>>(kRootWords);
  SourcePass source(context_);
  TargetPass target(context_, snapshot, true, true);
  std::vector<SourceSums> source_sums(static_cast<size_t>(context_.readers), SourceSums(tables));
  std::vector<TargetSums> target_sums(snapshot.readers(), TargetSums(tables, roots_));
  Crew crew(context_.stop);
  for (SourceSums& sums : source_sums) crew.start([&] { source.work(sums, crew); });
  for (size_t i = 0; i < snapshot.readers(); ++i)
    crew.start([&, i] { target.work(snapshot.reader(i), target_sums[i], crew); });
  crew.finish();
  source_.resize(tables);
  target_.resize(tables);
  for (size_t t = 0; t < tables; ++t) {
    for (const SourceSums& sums : source_sums) source_[t] += sums.sums[t];
    for (const TargetSums& sums : target_sums) target_[t] += sums.sums[t];
  }
  const SourceFacts& facts = source.facts();
  verdict_.documents = facts.documents, verdict_.skipped = facts.skipped;
  verdict_.rejected = facts.rejected, verdict_.kept_rejects = facts.kept_rejects;
  verdict_.without_key = facts.without_key;
  verdict_.replaced = facts.replaced;
  verdict_.unmapped = facts.unmapped, verdict_.skip_reasons = facts.skip_reasons;
  verdict_.reject_codes = facts.reject_codes;
  if (facts.outside != 0)
    verdict_.notes.push_back(
        fmt::format("{} documents are older and were passed over", facts.outside));
}

/// The sums are also equal when source and target both hold the same two rows of one key. One of
/// them is superfluous, and only a comparison row by row shows which.
void Comparing::find_doubled(RowReader& reader) {
  for (const ComparedTable& table : context_.comparison.tables) {
    if (!table.may_double) continue;
    DoubledRows doubled(doubled_);
    TargetRows<DoubledRows> rows(context_, doubled);
    reader.read_doubled(table.table, rows);
    if (doubled.rows == 0 || verdict_.looked_for_extra) continue;
    verdict_.reasons.push_back(
        fmt::format("{} rows of {} have the key of another one", doubled.rows, table.name));
  }
}

void Comparing::set_counts() {
  for (const ComparedTable& table : context_.comparison.tables) {
    TableVerdict out;
    out.table = table.name;
    out.source = source_[table.table].rows();
    out.target = target_[table.table].rows();
    out.source_digest = digest_text(source_[table.table].sum());
    out.target_digest = digest_text(target_[table.table].sum());
    for (const ComparedColumn& column : table.columns) out.columns.push_back(column.name);
    out.left_out = table.left_out;
    verdict_.tables.push_back(std::move(out));
  }
}

/// When both sides are complete, equal sums mean equal rows. A narrowed side must be compared row
/// by row.
std::vector<uint8_t> Comparing::wrong_buckets() const {
  std::vector<uint8_t> out(kBuckets);
  const bool where = context_.options.narrows_target(), since = context_.since.has_value();
  for (size_t b = 0; b < kBuckets; ++b) {
    bool differs = false, source = false, target = false;
    for (size_t t = 0; t < source_.size(); ++t) {
      differs = differs || !(source_[t][b] == target_[t][b]);
      source = source || source_[t][b].rows != 0;
      target = target || target_[t][b].rows != 0;
    }
    if (where || since) differs = (!where || target) && (!since || source);
    out[b] = differs || doubled_[b] != 0 ? 1 : 0;
  }
  return out;
}

uint64_t Comparing::entries_of(size_t bucket) const {
  uint64_t rows = 0;
  const bool where = context_.options.narrows_target();
  for (size_t t = 0; t < source_.size(); ++t) rows += (where ? target_ : source_)[t][bucket].rows;
  return rows;
}

void Comparing::compare_groups(RowSnapshot& snapshot) {
  const std::vector<uint8_t> wrong = wrong_buckets();
  GroupFilter filter;
  if (!roots_.empty()) filter.roots = &roots_;
  const auto take = [&](Mismatch&& mismatch, const TargetRow* row) {
    if (mismatch.kind == FindingKind::kMissing && !verdict_.looked_for_missing) return;
    if (mismatch.kind == FindingKind::kExtra && !verdict_.looked_for_extra) return;
    note_wrong(mismatch);
    details_->add(std::move(mismatch), row);
  };
  uint64_t entries = 0;
  bool any = false;
  for (size_t b = 0; b <= kBuckets; ++b) {
    const bool takes = b < kBuckets && wrong[b] != 0;
    const uint64_t more = takes ? entries_of(b) : 0;
    if (any && (b == kBuckets || (takes && entries + more > context_.options.group_rows))) {
      Group group(context_, filter, verdict_.tables, take);
      group.run(snapshot);
      verdict_.kept_rejects -= std::min(verdict_.kept_rejects, uint64_t{group.loaded_since()});
      std::fill(filter.buckets.begin(), filter.buckets.end(), 0);
      entries = 0;
      any = false;
    }
    if (!takes) continue;
    filter.buckets[b] = 1;
    any = true;
    entries += more;
  }
}

void Comparing::note_wrong(const Mismatch& mismatch) {
  if (wrong_ == nullptr) return;
  const ComparedTable& table = context_.comparison.tables[mismatch.table];
  wrong_->extra_rows.resize(context_.comparison.tables.size());
  const bool extra = mismatch.kind == FindingKind::kExtra;
  const bool of_document = extra && mismatch.known && !table.own;
  const bool apart = !mismatch.doubled && !table.key.empty();
  const bool removable = extra && !of_document && !mismatch.refused && apart;
  if (extra && !of_document && mismatch.refused) {
    ++wrong_->refused;
    return;
  }
  if (extra && !of_document && !apart) {
    ++wrong_->beyond_keys;
    return;
  }
  if (removable) ++wrong_->extra_rows[mismatch.table];
  if (wrong_->rows.size() + wrong_->extra.size() >= WrongRows::kMost) {
    wrong_->complete = false;
  } else if (!extra) {
    wrong_->rows.insert(mismatch.own.begin(), mismatch.own.end());
  } else if (of_document) {
    wrong_->with_extra_children.insert(mismatch.own.begin(), mismatch.own.end());
  } else {
    wrong_->extra.emplace(mismatch.table, mismatch.target_row);
    if (table.own) wrong_->extra_roots.insert(mismatch.key);
  }
}

void Comparing::finish(RowReader& reader) {
  for (TableVerdict& table : verdict_.tables) {
    if (!verdict_.looked_for_missing) table.missing = 0;
    if (!verdict_.looked_for_extra) table.extra = 0;
    const bool whole = verdict_.looked_for_missing && verdict_.looked_for_extra;
    table.source -= table.duplicates;
    table.equal =
        whole ? table.target - table.extra - table.different - table.newer : table.matched;
    // A side that was not narrowed holds more rows than were requested.
    if (!verdict_.looked_for_missing) table.source = table.equal + table.different + table.older;
    if (!verdict_.looked_for_extra) table.target = table.equal + table.different + table.newer;
    // It was read more than once, and was changed in between: what the last reading says counts.
    if (verdict_.source_moves)
      table.source = table.equal + table.missing + table.different + table.older;
  }
  details_->recheck(verdict_.tables, verdict_.source_moves, reader);
  verdict_.equal = verdict_.altered.empty() && verdict_.reasons.empty();
  for (const TableVerdict& table : verdict_.tables) {
    const bool adds_up =
        table.source == table.equal + table.missing + table.different + table.older &&
        table.target == table.equal + table.extra + table.different + table.newer;
    if (!adds_up)
      raise(Code::kBug,
            "{}: the read counts do not add up: source {}, target {}, equal {}, missing {}, extra "
            "{}, "
            "different {}, newer {}, older {}",
            table.table, table.source, table.target, table.equal, table.missing, table.extra,
            table.different, table.newer, table.older);
    if (table.missing + table.extra + table.different != 0) verdict_.equal = false;
  }
  if (!details_->all_kept() && context_.options.rechecks != 0) {
    verdict_.notes.push_back(
        "too many rows differ to read them all again one by one: only the first were");
  }
  verdict_.rows = details_->findings();
}

}  // namespace lugger
