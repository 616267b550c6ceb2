#include "sink/pg_duplicates.hpp"

#include <functional>

namespace lugger {
namespace {

/// Is what a slot holds behind its pointer, or in itself?
bool has_bytes(const Value& value) noexcept {
  switch (value.type) {
    case ValueType::kBool:
    case ValueType::kInt32:
    case ValueType::kInt64:
    case ValueType::kDouble:
    case ValueType::kDate:
    case ValueType::kTimestamp:
    case ValueType::kDay:
    case ValueType::kTime:
    case ValueType::kMicros: return false;
    default: return !value.absent();
  }
}

bool same(const Value& a, const Value& b) noexcept {
  if (a.type != b.type) return false;
  return has_bytes(a) ? a.text() == b.text() : a.i64 == b.i64;
}

}  // namespace

UnitDuplicates::UnitDuplicates(const PlanShape& plan)
    : policy_(plan.mapping().on_conflict), key_(plan.tables()[0].key) {
  active_ = policy_ != OnConflict::kError && !key_.empty() &&
            plan.tables().size() > plan.own_tables() && plan.own_tables() == 1;
  const std::vector<Column>& columns = plan.tables()[0].columns;
  for (size_t i = 0; i < columns.size() && policy_ == OnConflict::kNewer; ++i) {
    if (columns[i].name == plan.mapping().newer) newer_ = static_cast<int>(i);
  }
}

void UnitDuplicates::look(const UnitDocuments& unit, size_t first) {
  if (!active_) return;
  unit.each_row(0, first, unit.size(),
                [&](const Value* row, size_t number) { insert(row, number); });
}

void UnitDuplicates::insert(const Value* row, size_t document) {
  if (entries_.size() < 2 * (used_ + 1)) grow();
  const uint64_t hash = hash_key(row);
  const size_t mask = entries_.size() - 1;
  for (size_t i = hash & mask;; i = (i + 1) & mask) {
    Entry& entry = entries_[i];
    if (entry.row == nullptr) {
      entry = {hash, row, document};
      ++used_;
      return;
    }
    if (entry.hash != hash || !same_key(entry.row, row)) continue;
    if (entry.document == document)
      return;  // a hook made two rows of one document: left to the server
    const bool wins =
        policy_ == OnConflict::kUpdate || (policy_ == OnConflict::kNewer && newer(row, entry.row));
    losers_.push_back(wins ? entry.document : document);
    if (wins) entry = {hash, row, document};
    return;
  }
}

/// Of a greater version; NULL is the least there is.
bool UnitDuplicates::newer(const Value* row, const Value* than) const {
  if (newer_ < 0) return true;
  const Value& a = row[newer_];
  const Value& b = than[newer_];
  if (a.absent()) return false;
  if (b.absent()) return true;
  if (a.type == ValueType::kDouble) return a.f64 > b.f64;
  if (a.type == ValueType::kNumeric) {
    DecimalDigits left, right;
    decimal_from_numeric(a.bytes(), left);
    decimal_from_numeric(b.bytes(), right);
    return decimal_to_double(left) > decimal_to_double(right);
  }
  return has_bytes(a) ? a.text() > b.text() : a.i64 > b.i64;
}

void UnitDuplicates::grow() {
  std::vector<Entry> old(std::max<size_t>(1024, entries_.size() * 2));
  old.swap(entries_);
  const size_t mask = entries_.size() - 1;
  for (const Entry& entry : old) {
    if (entry.row == nullptr) continue;
    size_t i = entry.hash & mask;
    while (entries_[i].row != nullptr) i = (i + 1) & mask;
    entries_[i] = entry;
  }
}

uint64_t UnitDuplicates::hash_key(const Value* row) const noexcept {
  uint64_t hash = 0;
  for (size_t slot : key_) {
    const Value& value = row[slot];
    const uint64_t part = has_bytes(value)
                              ? std::hash<std::string_view>{}(value.text())
                              : std::hash<int64_t>{}(value.i64) * 0x9E3779B97F4A7C15ULL;
    hash = (hash ^ part) * 0xFF51AFD7ED558CCDULL;
    hash ^= hash >> 32;
  }
  return hash;
}

bool UnitDuplicates::same_key(const Value* a, const Value* b) const noexcept {
  for (size_t slot : key_) {
    if (!same(a[slot], b[slot])) return false;
  }
  return true;
}

void UnitDuplicates::settle(UnitDocuments& unit, Tally& tally) const {
  for (size_t document : losers_) {
    if (!unit.loads(document)) continue;
    unit.exclude(document);
    ++(policy_ == OnConflict::kUpdate ? tally.updated : tally.skipped);
  }
}

void UnitDuplicates::clear() noexcept {
  if (used_ != 0) std::fill(entries_.begin(), entries_.end(), Entry{});
  used_ = 0;
  losers_.clear();
}

}  // namespace lugger
