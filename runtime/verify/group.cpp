#include "verify/group.hpp"

#include <algorithm>
#include <functional>

#include "verify/newer_rank.hpp"

namespace lugger {

namespace {

bool before(const SourceEntry& a, const SourceEntry& b) noexcept {
  if (a.table != b.table) return a.table < b.table;
  if (a.key != b.key) return a.key < b.key;
  return comes_before(a.turn, b.turn);
}

OwnRow own_row(const SourceEntry& entry) noexcept {
  return {entry.turn.order, entry.table, entry.turn.place, entry.turn.id};
}

}  // namespace

class Group::Collector final : public SourceUse {
 public:
  explicit Collector(const GroupFilter& filter) : filter_(filter) {}
  void row(const SourceRow& row) override {
    if (!filter_.takes(row.digests.root)) return;
    SourceEntry entry;
    entry.root = row.digests.root, entry.key = row.digests.key, entry.row = row.digests.row;
    entry.turn = row.turn;
    entry.table = static_cast<uint32_t>(row.table.table);
    entry.standing = row.standing;
    entry.alone = row.table.key.empty() || row.digests.null_key;
    // Rows that must exist are matched before rows that may exist.
    if (entry.alone && row.standing == Standing::kSpare) entry.turn.order |= uint64_t{1} << 63;
    entries.push_back(entry);
  }
  Entries entries;

 private:
  const GroupFilter& filter_;
};

class Group::Matcher {
 public:
  explicit Matcher(Group& group) : group_(group) {}
  void row(const TargetRow& row) {
    if (group_.filter_.buckets[bucket_of(row.digests.root)] == 0) return;
    const std::lock_guard lock(group_.mutex_);
    group_.match_row(row);
  }

 private:
  Group& group_;
};

void Group::run(RowSnapshot& snapshot) {
  collect();
  match(snapshot, true);
  settle_rest(true);
  drop_children();
  match(snapshot, false);
  settle_rest(false);
}

void Group::collect() {
  SourcePass pass(context_);
  std::vector<Collector> collectors(static_cast<size_t>(context_.readers), Collector(filter_));
  Crew crew(context_.stop);
  for (Collector& collector : collectors) crew.start([&] { pass.work(collector, crew); });
  crew.finish();
  for (Collector& collector : collectors) {
    if (entries_.empty())
      entries_ = std::move(collector.entries);
    else
      entries_.insert(entries_.end(), collector.entries.begin(), collector.entries.end());
    collector.entries = {};
  }
  std::stable_sort(entries_.begin(), entries_.end(), before);
}

void Group::match(RowSnapshot& snapshot, bool own) {
  TargetPass pass(context_, snapshot, own, !own);
  std::vector<Matcher> matchers(snapshot.readers(), Matcher(*this));
  Crew crew(context_.stop);
  for (size_t i = 0; i < snapshot.readers(); ++i)
    crew.start([&, i] { pass.work(snapshot.reader(i), matchers[i], crew); });
  crew.finish();
}

Group::Range Group::range(uint32_t table, const Digest& key) {
  SourceEntry wanted;
  wanted.table = table;
  wanted.key = key;
  return std::equal_range(entries_.begin(), entries_.end(), wanted,
                          [](const SourceEntry& a, const SourceEntry& b) {
                            return a.table != b.table ? a.table < b.table : a.key < b.key;
                          });
}

/// True when lugger can tell which of two rows with one key remains. With equal versions it is the
/// first; with different ones, the ranks may not say which is greater.
bool Group::is_told(const SourceEntry& a, const SourceEntry& b) const {
  return policy() != OnConflict::kNewer || context_.comparison.tables[a.table].newer_exact ||
         a.turn.newer != b.turn.newer || a.turn.version == b.turn.version;
}

/// True when another row of the same document replaces this one. This is always known, because all
/// rows of a document are loaded in one unit.
bool Group::is_beaten_at_home(Range range, const SourceEntry& entry) const {
  const auto home = std::equal_range(
      range.first, range.second, entry,
      [](const SourceEntry& a, const SourceEntry& b) { return a.turn.order < b.turn.order; });
  return std::any_of(home.first, home.second, [&](const SourceEntry& other) {
    return wins(policy(), other.turn, entry.turn) && is_told(other, entry);
  });
}

/// Of the source's rows with one key, the one that should be in the target: the first, the last or
/// the newest, by on_conflict. When several workers loaded, it is not known which document came
/// first, so any of them that is found is accepted. Null: all of them were refused.
SourceEntry* Group::expected(Range range, const Digest* target_row) {
  SourceEntry* best = nullptr;
  for (auto at = range.first; at != range.second; ++at) {
    if (at->standing != Standing::kExpected) continue;
    if (best == nullptr || wins(policy(), at->turn, best->turn)) best = &*at;
  }
  if (target_row == nullptr || (best != nullptr && best->row == *target_row)) return best;
  const bool newer = policy() == OnConflict::kNewer;
  for (auto at = range.first; at != range.second; ++at) {
    if (at->standing == Standing::kRefused || at->row != *target_row) continue;
    if (is_beaten_at_home(range, *at)) continue;
    // A reject of the load may exist, if its row would have remained after a load.
    const bool spare = at->standing == Standing::kSpare;
    if (best == nullptr || (spare && wins(policy(), at->turn, best->turn))) return &*at;
    const bool any = !context_.one_reader || !is_told(*at, *best);
    if (any && (!newer || at->turn.newer == best->turn.newer)) return &*at;
  }
  return best;
}

void Group::settle(Range range, SourceEntry& chosen, SourceEntry::State state) {
  for (auto at = range.first; at != range.second; ++at) {
    if (&*at == &chosen) continue;
    at->state = SourceEntry::State::kDropped;
    if (at->standing == Standing::kExpected) ++tables_[at->table].duplicates;
    if (at->turn.order != chosen.turn.order) losers_.emplace_back(at->root, at->turn.order);
  }
  chosen.state = state;
}

/// The source's row that matches, or should match, this row of the target. Null: there is none, or
/// it was matched before.
SourceEntry* Group::counterpart(Range found, const TargetRow& row) {
  if (found.first == found.second) return nullptr;
  const auto waiting = [](const SourceEntry& entry) {
    return entry.state == SourceEntry::State::kWaiting;
  };
  if (row.table.key.empty()) {  // rows with equal digests are settled one after another
    const auto at = std::partition_point(found.first, found.second, std::not_fn(waiting));
    return at == found.second ? nullptr : &*at;
  }
  if (found.first->alone) {
    const auto at = std::find_if(found.first, found.second, [&](const SourceEntry& entry) {
      return waiting(entry) && entry.row == row.digests.row;
    });
    return at == found.second ? nullptr : &*at;
  }
  // All rows of one key are settled at once.
  if (!std::all_of(found.first, found.second, waiting)) return nullptr;
  return expected(found, &row.digests.row);
}

void Group::match_row(const TargetRow& row) {
  const auto table = static_cast<uint32_t>(row.table.table);
  if (!row.table.own && newer_roots_.count(row.digests.root) != 0) {
    ++tables_[table].newer;
    return;
  }
  const Range found = range(table, row.digests.key);
  SourceEntry* entry = counterpart(found, row);
  if (entry == nullptr) {
    const bool doubled = std::any_of(found.first, found.second, [&](const SourceEntry& other) {
      return other.alone ? other.row == row.digests.row
                         : other.state != SourceEntry::State::kWaiting;
    });
    report(FindingKind::kExtra, nullptr, &row, doubled);
    return;
  }
  const bool equal = entry->row == row.digests.row;
  const bool newer =
      !equal && row.table.newer_compared >= 0 && context_.keeps_newer() &&
      newer_rank(row.values[static_cast<size_t>(row.table.newer_compared)]) > entry->turn.newer;
  const auto state = equal   ? SourceEntry::State::kEqual
                     : newer ? SourceEntry::State::kOlder
                             : SourceEntry::State::kDifferent;
  if (entry->alone)
    entry->state = state;
  else
    settle(found, *entry, state);
  if (equal) {
    ++tables_[table].matched;
    if (entry->standing != Standing::kSpare) return;
    ++tables_[table].source;
    if (row.table.own) loaded_since_.insert(entry->turn.order);
  } else if (newer) {
    ++tables_[table].older, ++tables_[table].newer;
    newer_roots_.insert(entry->root);
  } else {
    report(FindingKind::kDifferent, entry, &row);
  }
}

/// Rows that no row of the target matched are missing.
void Group::settle_rest(bool own) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    auto end = at + 1;
    while (!at->alone && end != entries_.end() && end->table == at->table && end->key == at->key)
      ++end;
    const Range range{at, end};
    at = end;
    if (context_.comparison.tables[range.first->table].own != own) continue;
    if (range.first->state != SourceEntry::State::kWaiting) continue;
    if (SourceEntry* entry = expected(range, nullptr)) {
      settle(range, *entry, SourceEntry::State::kWaiting);
      report(FindingKind::kMissing, entry, nullptr);
      continue;
    }
    for (auto spare = range.first; spare != range.second; ++spare)
      losers_.emplace_back(spare->root, spare->turn.order);
  }
}

/// Child rows are expected only for documents whose own row is in the target: not for documents
/// replaced by another one of the same key, nor for absent rejects. Child rows are not compared if
/// the target has a newer row of the document.
void Group::drop_children() {
  if (losers_.empty() && newer_roots_.empty()) return;
  std::sort(losers_.begin(), losers_.end());
  for (SourceEntry& entry : entries_) {
    if (context_.comparison.tables[entry.table].own) continue;
    const bool loser = std::binary_search(losers_.begin(), losers_.end(),
                                          std::make_pair(entry.root, entry.turn.order));
    if (!loser && newer_roots_.count(entry.root) == 0) continue;
    entry.state = SourceEntry::State::kDropped;
    if (entry.standing != Standing::kExpected) continue;
    TableVerdict& table = tables_[entry.table];
    ++(loser ? table.duplicates : table.older);
  }
  // Only the remaining rows are matched by key.
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                [](const SourceEntry& entry) {
                                  return entry.state == SourceEntry::State::kDropped;
                                }),
                 entries_.end());
}

void Group::report(FindingKind kind, const SourceEntry* entry, const TargetRow* row, bool doubled) {
  Mismatch out;
  out.kind = kind;
  out.doubled = doubled;
  if (entry != nullptr) {
    out.table = entry->table;
    out.root = entry->root, out.key = entry->key, out.source_row = entry->row;
    out.turn = entry->turn;
    find_own(*entry, out);
  }
  if (row != nullptr) {
    out.table = static_cast<uint32_t>(row->table.table);
    out.root = row->digests.root, out.key = row->digests.key, out.target_row = row->digests.row;
    if (entry == nullptr) find_document(out);
  }
  TableVerdict& table = tables_[out.table];
  ++(kind == FindingKind::kMissing ? table.missing
     : kind == FindingKind::kExtra ? table.extra
                                   : table.different);
  found_(std::move(out), row);
}

/// The rows of own tables that are, or should be, stored under a key; replaced rows are left out.
std::vector<const SourceEntry*> Group::standing(const Digest& key) const {
  std::vector<const SourceEntry*> out;
  for (const ComparedTable& table : context_.comparison.tables) {
    if (!table.own || table.key.empty()) continue;
    SourceEntry wanted;
    wanted.table = static_cast<uint32_t>(table.table);
    wanted.key = key;
    for (auto at = std::lower_bound(entries_.begin(), entries_.end(), wanted, before);
         at != entries_.end() && at->table == wanted.table && at->key == key; ++at) {
      if (at->state != SourceEntry::State::kDropped) out.push_back(&*at);
    }
  }
  return out;
}

/// What a repair must write for a missing or different row: the row, or its parent. Where ranks do
/// not tell which row of a key is the newest, all candidates.
void Group::find_own(const SourceEntry& entry, Mismatch& mismatch) {
  if (!context_.comparison.tables[entry.table].own) {
    for (const SourceEntry* parent : standing(entry.root)) {
      if (parent->turn.order == entry.turn.order) mismatch.own.push_back(own_row(*parent));
    }
    return;
  }
  mismatch.own.push_back(own_row(entry));
  if (entry.alone) return;
  const Range same = range(entry.table, entry.key);
  for (auto at = same.first; at != same.second; ++at) {
    if (&*at != &entry && at->standing == Standing::kExpected && !is_told(*at, entry))
      mismatch.own.push_back(own_row(*at));
  }
}

/// Finds the document that an extra row belongs to: one of the source, or a refused one; otherwise
/// none.
void Group::find_document(Mismatch& mismatch) const {
  for (const SourceEntry* entry : standing(mismatch.root)) {
    if (entry->standing == Standing::kExpected) {
      mismatch.known = true;
      mismatch.own = {own_row(*entry)};
    } else {
      mismatch.refused = true;
    }
  }
}

}  // namespace lugger
