#include "verify/group.hpp"

#include <algorithm>
#include <bit>

#include "value/decimal.hpp"

namespace lugger {

namespace {

/// Order of the `newer` column as an unsigned number; NULL is oldest. Longer texts tie at their
/// first eight bytes, and then either document may be the one that stays.
uint64_t newer_rank(const Value& value) {
  constexpr uint64_t kSign = uint64_t{1} << 63;
  double number = 0;
  switch (value.type) {
    case ValueType::kDouble: number = value.f64; break;
    case ValueType::kNumeric: {
      DecimalDigits digits;
      decimal_from_numeric(value.bytes(), digits);
      number = decimal_to_double(digits);
      break;
    }
    case ValueType::kInt64:
    case ValueType::kDay:
    case ValueType::kTime:
    case ValueType::kMicros: return static_cast<uint64_t>(value.i64) ^ kSign;
    default: {
      uint8_t first[8] = {};
      if (value.absent()) return 0;
      std::memcpy(first, value.data, std::min<size_t>(value.size, sizeof first));
      return load_be<uint64_t>(first) | 1;
    }
  }
  const auto bits = std::bit_cast<uint64_t>(number);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

bool before(const SourceEntry& a, const SourceEntry& b) noexcept {
  if (a.table != b.table) return a.table < b.table;
  if (a.key != b.key) return a.key < b.key;
  return a.order < b.order;
}

}  // namespace

class Group::Collector final : public SourceUse {
 public:
  explicit Collector(const GroupFilter& filter) : filter_(filter) {}
  void row(const SourceRow& row) override {
    if (!filter_.takes(row.digests.root)) return;
    SourceEntry entry;
    entry.root = row.digests.root, entry.key = row.digests.key, entry.row = row.digests.row;
    entry.order = row.order;
    entry.table = static_cast<uint32_t>(row.table.table);
    if (row.table.newer >= 0)
      entry.newer = newer_rank(row.slots[static_cast<size_t>(row.table.newer)]);
    entries.push_back(entry);
  }
  Entries entries;

 private:
  const GroupFilter& filter_;
};

class Group::Matcher final : public TargetUse {
 public:
  explicit Matcher(Group& group) : group_(group) {}
  void row(const TargetRow& row) override {
    if (group_.filter_.buckets[bucket_of(row.digests.root)] == 0) return;
    const std::lock_guard lock(group_.mutex_);
    group_.match_row(row);
  }

 private:
  Group& group_;
};

void Group::run(TargetSnapshot& snapshot) {
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

void Group::match(TargetSnapshot& snapshot, bool own) {
  TargetPass pass(context_, snapshot, own, !own);
  std::vector<Matcher> matchers(snapshot.size(), Matcher(*this));
  Crew crew(context_.stop);
  for (size_t i = 0; i < snapshot.size(); ++i)
    crew.start([&, i] { pass.work(snapshot.session(i), matchers[i], crew); });
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

/// Of the source's rows of one key the one that should be in the target. The first, the last or the
/// newest, as on_conflict says; when several workers loaded, which of them was first is not known
/// and any that is found will do.
SourceEntry& Group::expected(Range range, const Digest* target_row) {
  const OnConflict policy = context_.shape->mapping().on_conflict;
  auto best = policy == OnConflict::kUpdate ? range.second - 1 : range.first;
  for (auto at = range.first; at != range.second && policy == OnConflict::kNewer; ++at) {
    if (at->newer >= best->newer) best = at;
  }
  if (target_row == nullptr || best->row == *target_row || context_.one_reader) return *best;
  for (auto at = range.first; at != range.second; ++at) {
    if (at->row != *target_row) continue;
    if (policy != OnConflict::kNewer || at->newer == best->newer) return *at;
  }
  return *best;
}

void Group::settle(Range range, SourceEntry& chosen, SourceEntry::State state) {
  for (auto at = range.first; at != range.second; ++at) {
    if (&*at == &chosen) continue;
    at->state = SourceEntry::State::kDropped;
    ++tables_[at->table].duplicates;
    losers_.emplace_back(at->root, at->order);
  }
  chosen.state = state;
}

void Group::match_row(const TargetRow& row) {
  const auto table = static_cast<uint32_t>(row.table.table);
  const Range found = range(table, row.digests.key);
  // Rows of a key are settled all at once, rows without a key one after another.
  auto waiting = std::partition_point(found.first, found.second, [](const SourceEntry& entry) {
    return entry.state != SourceEntry::State::kWaiting;
  });
  if (waiting == found.second) {
    report(FindingKind::kExtra, nullptr, &row, found.first != found.second);
    return;
  }
  if (row.table.key.empty()) {
    waiting->state = SourceEntry::State::kEqual;
    ++tables_[table].matched;
    return;
  }
  SourceEntry& entry =
      found.second - found.first == 1 ? *waiting : expected(found, &row.digests.row);
  const bool equal = entry.row == row.digests.row;
  settle(found, entry, equal ? SourceEntry::State::kEqual : SourceEntry::State::kDifferent);
  if (equal)
    ++tables_[table].matched;
  else
    report(FindingKind::kDifferent, &entry, &row);
}

/// What no row of the target answered is missing.
void Group::settle_rest(bool own) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    const ComparedTable& table = context_.comparison.tables[at->table];
    auto end = at + 1;
    if (!table.key.empty()) {
      while (end != entries_.end() && end->table == at->table && end->key == at->key) ++end;
    }
    if (table.own == own) {
      const auto waiting = std::find_if(at, end, [](const SourceEntry& entry) {
        return entry.state == SourceEntry::State::kWaiting;
      });
      if (waiting != end) {
        SourceEntry& entry = end - at == 1 ? *at : expected({at, end}, nullptr);
        settle({at, end}, entry, SourceEntry::State::kWaiting);
        report(FindingKind::kMissing, &entry, nullptr);
      }
    }
    at = end;
  }
}

/// The child rows of a document that another one of the same key replaced are not expected.
void Group::drop_children() {
  if (losers_.empty()) return;
  std::sort(losers_.begin(), losers_.end());
  for (SourceEntry& entry : entries_) {
    if (context_.comparison.tables[entry.table].own) continue;
    if (!std::binary_search(losers_.begin(), losers_.end(),
                            std::make_pair(entry.root, entry.order)))
      continue;
    entry.state = SourceEntry::State::kDropped;
    ++tables_[entry.table].duplicates;
  }
  // Only what is left is matched by key.
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
    out.order = entry->order;
  }
  if (row != nullptr) {
    out.table = static_cast<uint32_t>(row->table.table);
    out.root = row->digests.root, out.key = row->digests.key, out.target_row = row->digests.row;
    if (entry == nullptr) {
      const std::optional<uint64_t> order = document_of(out.root);
      out.known = order.has_value();
      out.order = order.value_or(0);
    }
  }
  TableVerdict& table = tables_[out.table];
  ++(kind == FindingKind::kMissing ? table.missing
     : kind == FindingKind::kExtra ? table.extra
                                   : table.different);
  found_(std::move(out), row);
}

std::optional<uint64_t> Group::document_of(const Digest& root) const {
  for (const ComparedTable& table : context_.comparison.tables) {
    if (!table.own || table.key.empty()) continue;
    SourceEntry wanted;
    wanted.table = static_cast<uint32_t>(table.table);
    wanted.key = root;
    for (auto at = std::lower_bound(entries_.begin(), entries_.end(), wanted, before);
         at != entries_.end() && at->table == wanted.table && at->key == root; ++at) {
      if (at->state != SourceEntry::State::kDropped) return at->order;
    }
  }
  return std::nullopt;
}

}  // namespace lugger
