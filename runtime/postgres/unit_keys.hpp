// Properties of the keys of a unit's rows. Checking them here saves the server sorting or hashing
// the keys.
#pragma once
#include <vector>

#include "plan/plan.hpp"
#include "postgres/layout.hpp"

namespace lugger {

/// Hashes of the keys of one own table's rows. Reuses its memory for each unit.
class UnitKeys {
 public:
  UnitKeys(const PgTableLayout& layout, const TablePlan& table);

  void clear() noexcept;
  void add(const Value* row);
  /// False when two rows may have the same key: two hashes are equal, or equal keys may have
  /// different bytes, so that only the server can tell.
  bool differ();
  /// True when the rows come in the order that upsert_with() sorts by: a text key, by its bytes.
  bool ascend() const noexcept { return ascend_; }

 private:
  struct Field {
    size_t slot;
    EncodeField encode;
  };
  std::vector<Field> fields_;  // empty: only the server can tell
  bool text_ = false;          // the key is one text column, compared by bytes
  bool ascend_ = false;        // for the rows added so far
  std::vector<uint64_t> hashes_;
  ByteBuffer key_, last_;
};

}  // namespace lugger
