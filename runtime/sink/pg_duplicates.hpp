// Documents of one unit with the same key, found before a direct COPY takes both.
#pragma once
#include <vector>

#include "plan/plan.hpp"
#include "plan/tally.hpp"
#include "sink/pg_unit.hpp"

namespace lugger {

/// Needed for tables with children only: rows of two units are told apart by their transaction when
/// duplicates are settled after the load, and so are their children; within one unit nothing would
/// say which parent a child belongs to. Without children, or with on_conflict = error, it does
/// nothing.
class UnitDuplicates {
 public:
  explicit UnitDuplicates(const PlanShape& plan);

  /// Looks at the documents from `first` on.
  void look(const UnitDocuments& unit, size_t first);
  bool any() const noexcept { return !losers_.empty(); }
  /// Leaves the losers out of the unit and counts them: skipped, or updated when a later document
  /// superseded them.
  void settle(UnitDocuments& unit, Tally& tally) const;
  void clear() noexcept;

 private:
  struct Entry {
    uint64_t hash = 0;
    const Value* row = nullptr;  // null: free
    size_t document = 0;
  };
  void insert(const Value* row, size_t document);
  bool newer(const Value* row, const Value* than) const;
  void grow();
  uint64_t hash_key(const Value* row) const noexcept;
  bool same_key(const Value* a, const Value* b) const noexcept;

  bool active_ = false;
  OnConflict policy_ = OnConflict::kError;
  std::vector<size_t> key_;
  int newer_ = -1;              // slot
  std::vector<Entry> entries_;  // open addressing, a power of two
  size_t used_ = 0;
  std::vector<size_t> losers_;
};

}  // namespace lugger
