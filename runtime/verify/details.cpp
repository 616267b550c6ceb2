#include "verify/details.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <thread>

#include "base/text.hpp"
#include "plan/coerce.hpp"

namespace lugger {

namespace {

constexpr size_t kMostKept = 10000;
constexpr size_t kKeysAtOnce = 1000;

uint64_t row_number(uint32_t table, const Digest& key) noexcept {
  return key.lo ^ (key.hi + table);
}

}  // namespace

std::string server_text(const Value& value, const ComparedColumn& column) {
  if (column.type.kind == Kind::kBytea && !column.by_server) return "\\x" + to_hex(value.bytes());
  return coerced_text(value, column.type);
}

std::string keys_condition(const ComparedTable& table, const std::vector<size_t>& by,
                           const std::vector<const std::vector<std::string>*>& keys) {
  std::string columns, arrays;
  for (size_t k = 0; k < by.size(); ++k) {
    const ComparedColumn& column = table.columns[by[k]];
    ByteBuffer list;
    list.push('{');
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i != 0) list.push(',');
      append_array_element((*keys[i])[k], list);
    }
    list.push('}');
    columns += fmt::format("{}t.{}", k == 0 ? "" : ", ", PgSession::quote_name(column.name));
    arrays += fmt::format("{}{}::{}[]", k == 0 ? "" : ", ", PgSession::quote_literal(list.text()),
                          column.stored);
  }
  if (by.size() == 1) return fmt::format("{} = ANY ({})", columns, arrays);
  return fmt::format("({}) IN (SELECT * FROM unnest({}))", columns, arrays);
}

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
      mismatch.key_text.push_back(server_text(row->values[i], table.columns[i]));
    for (size_t i = 0; i < table.columns.size() && show; ++i) {
      const Value& value = row->values[i];
      mismatch.target.push_back(
          value.absent() ? std::nullopt : std::make_optional(server_text(value, table.columns[i])));
      mismatch.target_columns.push_back(digester_.column(table.columns[i], value));
    }
  }
  mismatch.show = show;
  kept_.push_back(std::move(mismatch));
}

/// Finds the rows that were kept in the source.
class Details::SourceLook final : public SourceUse {
 public:
  struct Shared {
    std::unordered_multimap<uint64_t, size_t> wanted;  // row number -> place in kept_
    std::mutex mutex;
    std::atomic<size_t> left{0};
  };
  SourceLook(Details& details, Shared& shared)
      : details_(details), shared_(shared), digester_(details.context_.seed) {}

  void row(const SourceRow& row) override {
    const auto table = static_cast<uint32_t>(row.table.table);
    const auto found = shared_.wanted.equal_range(row_number(table, row.digests.key));
    for (auto at = found.first; at != found.second; ++at) {
      Mismatch& mismatch = details_.kept_[at->second];
      if (mismatch.table != table || mismatch.key != row.digests.key) continue;
      if (mismatch.order != row.order && !details_.source_moves_) continue;
      const std::lock_guard lock(shared_.mutex);
      take(row, at->second, mismatch);
    }
  }
  bool enough() const override { return shared_.left.load(std::memory_order_relaxed) == 0; }

 private:
  void take(const SourceRow& row, size_t place, Mismatch& mismatch) {
    if (mismatch.key_text.empty()) {
      for (const size_t i : row.table.key) {
        const ComparedColumn& column = row.table.columns[i];
        mismatch.key_text.push_back(server_text(row.slots[column.slot], column));
      }
    }
    mismatch.source_row = row.digests.row;
    auto& texts = details_.source_text_[place];
    auto& digests = details_.source_columns_[place];
    if (texts.empty()) shared_.left.fetch_sub(1, std::memory_order_relaxed);
    texts.clear(), digests.clear();
    for (const ComparedColumn& column : row.table.columns) {
      const Value& value = row.slots[column.slot];
      texts.push_back(value.absent() || !mismatch.show
                          ? std::nullopt
                          : std::make_optional(server_text(value, column)));
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

class Details::TargetLook final : public TargetUse {
 public:
  TargetLook(Details& details, Seen& seen) : details_(details), seen_(seen) {}
  void row(const TargetRow& row) override {
    const auto table = static_cast<uint32_t>(row.table.table);
    seen_[row_number(table, row.digests.key)].push_back(row.digests.row);
    for (Mismatch& mismatch : details_.kept_) {
      if (!mismatch.show || mismatch.table != table || mismatch.key != row.digests.key) continue;
      if (mismatch.target_row == row.digests.row) continue;
      mismatch.target.clear(), mismatch.target_columns.clear();
      for (size_t i = 0; i < row.table.columns.size(); ++i) {
        const ComparedColumn& column = row.table.columns[i];
        mismatch.target.push_back(row.values[i].absent()
                                      ? std::nullopt
                                      : std::make_optional(server_text(row.values[i], column)));
        mismatch.target_columns.push_back(details_.digester_.column(column, row.values[i]));
      }
    }
  }

 private:
  Details& details_;
  Seen& seen_;
};

void Details::read_keys(TargetReader& reader, size_t table, std::vector<Mismatch*>& part,
                        TargetLook& look) {
  if (part.empty()) return;
  std::vector<const std::vector<std::string>*> keys;
  for (const Mismatch* mismatch : part) keys.push_back(&mismatch->key_text);
  const ComparedTable& compared = context_.comparison.tables[table];
  // Whatever --where said: the row is known by its key now.
  reader.read(compared, keys_condition(compared, compared.key, keys), look, nullptr);
  part.clear();
}

void Details::read_again(Seen& seen) {
  TargetSnapshot snapshot(context_.url, context_.pooled, 1);
  TargetReader reader(context_, snapshot.session(0));
  TargetLook look(*this, seen);
  for (size_t t = 0; t < context_.comparison.tables.size(); ++t) {
    std::vector<Mismatch*> part;
    for (Mismatch& mismatch : kept_) {
      if (mismatch.table != t || mismatch.key_text.empty() || mismatch.settled) continue;
      part.push_back(&mismatch);
      if (part.size() == kKeysAtOnce) read_keys(reader, t, part, look);
    }
    read_keys(reader, t, part, look);
  }
}

/// What the row is now. True: it is something else than it was.
bool Details::judge(Mismatch& mismatch, const Seen& seen, TableVerdict& table) {
  static const std::vector<Digest> kNone;
  const auto at = seen.find(row_number(mismatch.table, mismatch.key));
  const std::vector<Digest>& rows = at == seen.end() ? kNone : at->second;
  uint64_t& count = mismatch.kind == FindingKind::kMissing ? table.missing
                    : mismatch.kind == FindingKind::kExtra ? table.extra
                                                           : table.different;
  if (mismatch.kind == FindingKind::kExtra) {
    mismatch.settled = rows.size() < (mismatch.doubled ? 2U : 1U);
    if (mismatch.settled) --count, --table.target, ++table.settled;
    return mismatch.settled;
  }
  const bool equal = std::find(rows.begin(), rows.end(), mismatch.source_row) != rows.end();
  const FindingKind now = rows.empty() ? FindingKind::kMissing : FindingKind::kDifferent;
  if (equal) {
    mismatch.settled = true;
    --count, ++table.equal, ++table.settled;
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
  if (!rows.empty() && rows.front() != mismatch.target_row) {
    moved = true;
    mismatch.target_row = rows.front();
  }
  return moved;
}

void Details::recheck(std::vector<TableVerdict>& tables, bool source_moves) {
  constexpr int kFirstPauseMs = 100, kPauseMs = 500;
  for (int round = 0; round < context_.options.rechecks && !kept_.empty(); ++round) {
    const int pause = round == 0 ? kFirstPauseMs : kPauseMs;
    std::this_thread::sleep_for(std::chrono::milliseconds(pause));
    if (context_.stop.requested()) return;
    source_moves_ = source_moves;
    if (source_moves) read_source();
    Seen seen;
    read_again(seen);
    bool moved = false;
    for (Mismatch& mismatch : kept_) {
      const bool readable = !mismatch.key_text.empty() && !mismatch.settled;
      if (readable) moved = judge(mismatch, seen, tables[mismatch.table]) || moved;
    }
    if (!moved) return;  // nobody writes there: the rows are what they are
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
                                 mismatch.key_text[k]);
    }
    const auto texts = source_text_.find(place);
    const auto digests = source_columns_.find(place);
    const bool both = digests != source_columns_.end() && !mismatch.target_columns.empty() &&
                      mismatch.kind == FindingKind::kDifferent;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      if (both && digests->second[i] == mismatch.target_columns[i]) continue;
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
