#include "verify/details.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <thread>

#include "plan/coerce.hpp"
#include "verify/newer_rank.hpp"

namespace lugger {

namespace {

constexpr size_t kMostKept = 10000;
constexpr size_t kKeysAtOnce = 1000;

uint64_t row_number(uint32_t table, const Digest& key) noexcept {
  return key.lo ^ (key.hi + table);
}

}  // namespace

bool Details::shown(const Mismatch& mismatch) {
  uint64_t& count = shown_[{mismatch.table, mismatch.kind}];
  return count < context_.options.limit_shown && ++count != 0;
}

void Details::add(Mismatch&& mismatch, const TargetRow* row) {
  ++found_;
  const bool show = shown(mismatch);
  if (kept_.size() >= kMostKept && !show) return;
  if (row != nullptr) {
    const ComparedTable& table = row->table;
    for (const size_t i : table.key)
      mismatch.key_text.push_back(server_text_or_null(row->values[i], table.columns[i]));
    for (size_t i = 0; i < table.columns.size() && show; ++i) {
      const Value& value = row->values[i];
      mismatch.target.push_back(server_text_or_null(value, table.columns[i]));
      mismatch.target_columns.push_back(digester_.column(table.columns[i], value));
    }
  }
  mismatch.show = show;
  kept_.push_back(std::move(mismatch));
}

/// Finds the kept rows in the source.
class Details::SourceLook final : public SourceUse {
 public:
  struct Shared {
    std::unordered_multimap<uint64_t, size_t> wanted;  // row number -> index in kept_
    std::unordered_map<size_t, Turn> turns;            // of the row chosen for kept_[i]
    std::mutex mutex;
    std::atomic<size_t> left{0};
  };
  SourceLook(Details& details, Shared& shared)
      : details_(details), shared_(shared), digester_(details.context_.seed) {}

  void row(const SourceRow& row) override {
    if (row.standing != Standing::kExpected) return;
    const auto table = static_cast<uint32_t>(row.table.table);
    const auto found = shared_.wanted.equal_range(row_number(table, row.digests.key));
    for (auto at = found.first; at != found.second; ++at) {
      Mismatch& mismatch = details_.kept_[at->second];
      if (mismatch.table != table || mismatch.key != row.digests.key) continue;
      const Turn& turn = mismatch.turn;
      const bool it = turn.order == row.turn.order && turn.place == row.turn.place;
      if (!it && !details_.source_moves_) continue;
      const std::lock_guard lock(shared_.mutex);
      if (details_.source_moves_ && !is_best(row, at->second)) continue;
      take(row, at->second, mismatch);
    }
  }
  bool enough() const override {
    return !details_.source_moves_ && shared_.left.load(std::memory_order_relaxed) == 0;
  }

 private:
  /// True when the row wins over all rows of its key seen in this reading. The first reading does
  /// not count: in a source that moves, its positions mean nothing now.
  bool is_best(const SourceRow& row, size_t place) {
    const auto [best, fresh] = shared_.turns.try_emplace(place, row.turn);
    const OnConflict policy = details_.context_.shape->mapping().on_conflict;
    if (!fresh && !wins(policy, row.turn, best->second)) return false;
    best->second = row.turn;
    return true;
  }
  void take(const SourceRow& row, size_t place, Mismatch& mismatch) {
    if (mismatch.key_text.empty()) {
      for (const size_t i : row.table.key) {
        const ComparedColumn& column = row.table.columns[i];
        mismatch.key_text.push_back(server_text_or_null(row.slots[column.slot], column));
      }
    }
    mismatch.source_row = row.digests.row;
    mismatch.turn.newer = row.turn.newer;
    auto& texts = details_.source_text_[place];
    auto& digests = details_.source_columns_[place];
    if (texts.empty()) shared_.left.fetch_sub(1, std::memory_order_relaxed);
    texts.clear(), digests.clear();
    for (const ComparedColumn& column : row.table.columns) {
      const Value& value = row.slots[column.slot];
      texts.push_back(mismatch.show ? server_text_or_null(value, column) : std::nullopt);
      if (mismatch.show) digests.push_back(digester_.column(column, value));
    }
  }
  Details& details_;
  Shared& shared_;
  RowDigester digester_;
};

void Details::read_source() {
  SourceLook::Shared shared;
  for (size_t i = 0; i < kept_.size(); ++i) {
    if (kept_[i].kind == FindingKind::kExtra) continue;
    shared.wanted.emplace(row_number(kept_[i].table, kept_[i].key), i);
  }
  if (shared.wanted.empty()) return;
  shared.left = shared.wanted.size();
  source_text_.clear();
  source_columns_.clear();
  SourcePass pass(context_);
  std::deque<SourceLook> looks;
  for (int i = 0; i < context_.readers; ++i) looks.emplace_back(*this, shared);
  Crew crew(context_.stop);
  for (SourceLook& look : looks) crew.start([&] { pass.work(look, crew); });
  crew.finish();
}

class Details::TargetLook {
 public:
  TargetLook(Details& details, Seen& seen, bool show)
      : details_(details), seen_(seen), show_(show) {}
  void row(const TargetRow& row) {
    const auto table = static_cast<uint32_t>(row.table.table);
    const int newer = row.table.newer_compared;
    seen_[row_number(table, row.digests.key)].push_back(
        {row.digests.row, newer < 0 ? 0 : newer_rank(row.values[static_cast<size_t>(newer)])});
    for (Mismatch& mismatch : details_.kept_) {
      if (!show_) return;
      if (!mismatch.show || mismatch.table != table || mismatch.key != row.digests.key) continue;
      if (mismatch.target_row == row.digests.row) continue;
      mismatch.target.clear(), mismatch.target_columns.clear();
      for (size_t i = 0; i < row.table.columns.size(); ++i) {
        const ComparedColumn& column = row.table.columns[i];
        mismatch.target.push_back(server_text_or_null(row.values[i], column));
        mismatch.target_columns.push_back(details_.digester_.column(column, row.values[i]));
      }
    }
  }

 private:
  Details& details_;
  Seen& seen_;
  bool show_;
};

void Details::read_keys(RowReader& reader, size_t table, std::vector<Mismatch*>& part,
                        RowTaker& rows) {
  if (part.empty()) return;
  std::vector<const KeyText*> keys;
  for (const Mismatch* mismatch : part) keys.push_back(&mismatch->key_text);
  // Without the --where condition: the row is now identified by its key.
  reader.read_keys(table, keys, rows);
  part.clear();
}

void Details::read_again(RowReader& reader, Seen& seen, bool show) {
  TargetLook look(*this, seen, show);
  TargetRows<TargetLook> rows(context_, look);
  for (size_t t = 0; t < context_.comparison.tables.size(); ++t) {
    std::vector<Mismatch*> part;
    for (Mismatch& mismatch : kept_) {
      if (mismatch.table != t || mismatch.key_text.empty() || mismatch.settled || mismatch.fickle)
        continue;
      part.push_back(&mismatch);
      if (part.size() == kKeysAtOnce) read_keys(reader, t, part, rows);
    }
    read_keys(reader, t, part, rows);
  }
}

/// Marks rows that are in the snapshot but are not found by their own key. Otherwise they would
/// seem to have disappeared.
void Details::try_keys(RowReader& first) {
  Seen seen;
  read_again(first, seen, false);
  for (Mismatch& mismatch : kept_) {
    if (mismatch.kind == FindingKind::kMissing) continue;
    const auto at = seen.find(row_number(mismatch.table, mismatch.key));
    mismatch.fickle = at == seen.end() ||
                      std::none_of(at->second.begin(), at->second.end(), [&](const SeenRow& row) {
                        return row.row == mismatch.target_row;
                      });
  }
}

/// Extra rows of one key disappear one at a time; it does not matter which one.
bool Details::judge_extra(Mismatch& mismatch, const Seen& seen, TableVerdict& table) {
  const uint64_t number = row_number(mismatch.table, mismatch.key);
  const auto at = seen.find(number);
  const size_t rows = at == seen.end() ? 0 : at->second.size();
  const size_t expected = mismatch.doubled ? 1 : 0;
  size_t& left =
      extras_left_.try_emplace(number, rows < expected ? 0 : rows - expected).first->second;
  if (left != 0) {
    --left;
    return false;
  }
  mismatch.settled = true;
  --table.extra, --table.target, ++table.settled;
  return true;
}

/// Checks what the row is now. True: it has changed.
bool Details::judge(Mismatch& mismatch, const Seen& seen, TableVerdict& table) {
  static const std::vector<SeenRow> kNone;
  if (mismatch.kind == FindingKind::kExtra) return judge_extra(mismatch, seen, table);
  const auto at = seen.find(row_number(mismatch.table, mismatch.key));
  const std::vector<SeenRow>& rows = at == seen.end() ? kNone : at->second;
  uint64_t& count = mismatch.kind == FindingKind::kMissing ? table.missing : table.different;
  const bool equal = std::any_of(
      rows.begin(), rows.end(), [&](const SeenRow& row) { return row.row == mismatch.source_row; });
  const FindingKind now = rows.empty() ? FindingKind::kMissing : FindingKind::kDifferent;
  const bool newer =
      !equal && !rows.empty() && context_.keeps_newer() && rows.front().newer > mismatch.turn.newer;
  if (equal || newer) {
    mismatch.settled = true;
    --count, ++table.settled;
    if (equal) ++table.equal;
    if (newer) ++table.newer, ++table.older;
    if (mismatch.kind == FindingKind::kMissing) ++table.target;
    return true;
  }
  bool moved = now != mismatch.kind;
  if (moved) {
    --count;
    ++(now == FindingKind::kMissing ? table.missing : table.different);
    table.target += now == FindingKind::kDifferent ? 1 : static_cast<uint64_t>(-1);
    mismatch.kind = now;
  }
  if (!rows.empty() && rows.front().row != mismatch.target_row) {
    moved = true;
    mismatch.target_row = rows.front().row;
  }
  return moved;
}

void Details::recheck(std::vector<TableVerdict>& tables, bool source_moves, RowReader& first) {
  constexpr int kFirstPauseMs = 100, kPauseMs = 500;
  if (context_.options.rechecks > 0 && !kept_.empty()) try_keys(first);
  for (int round = 0; round < context_.options.rechecks && !kept_.empty(); ++round) {
    const int pause = round == 0 ? kFirstPauseMs : kPauseMs;
    std::this_thread::sleep_for(std::chrono::milliseconds(pause));
    if (context_.stop.requested()) return;
    source_moves_ = source_moves;
    if (source_moves) read_source();
    const std::unique_ptr<RowSnapshot> snapshot = context_.rows->snapshot(1);
    Seen seen;
    read_again(snapshot->reader(0), seen, true);
    extras_left_.clear();
    bool moved = false;
    for (Mismatch& mismatch : kept_) {
      const bool readable = !mismatch.key_text.empty() && !mismatch.settled && !mismatch.fickle;
      if (readable) moved = judge(mismatch, seen, tables[mismatch.table]) || moved;
    }
    if (!moved) return;  // nobody writes there, so the rows cannot have changed
  }
}

std::vector<RowFinding> Details::findings() const {
  std::vector<RowFinding> out;
  for (size_t place = 0; place < kept_.size(); ++place) {
    const Mismatch& mismatch = kept_[place];
    if (!mismatch.show || mismatch.settled) continue;
    const ComparedTable& table = context_.comparison.tables[mismatch.table];
    RowFinding finding;
    finding.kind = mismatch.kind;
    finding.table = table.name;
    for (size_t k = 0; k < mismatch.key_text.size(); ++k) {
      finding.key += fmt::format("{}{}={}", k == 0 ? "" : ", ", table.columns[table.key[k]].name,
                                 mismatch.key_text[k].value_or("NULL"));
    }
    const auto texts = source_text_.find(place);
    const auto digests = source_columns_.find(place);
    const bool both = digests != source_columns_.end() && !mismatch.target_columns.empty() &&
                      mismatch.kind == FindingKind::kDifferent;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      const bool hashed = table.columns[i].hash >= 0;  // rows of one key are equal in this column
      if (both && (hashed || digests->second[i] == mismatch.target_columns[i])) continue;
      ColumnDifference column;
      column.column = table.columns[i].name;
      if (mismatch.kind != FindingKind::kExtra && texts != source_text_.end())
        column.source = texts->second[i];
      if (mismatch.kind != FindingKind::kMissing && !mismatch.target.empty())
        column.target = mismatch.target[i];
      finding.columns.push_back(std::move(column));
    }
    out.push_back(std::move(finding));
  }
  std::stable_sort(out.begin(), out.end(), [](const RowFinding& a, const RowFinding& b) {
    return std::tie(a.table, a.kind, a.key) < std::tie(b.table, b.kind, b.key);
  });
  return out;
}

}  // namespace lugger
