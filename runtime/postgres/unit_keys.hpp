// What the keys of a unit's rows are like, told here so that the server need not sort or hash them
// for it.
#pragma once
#include <vector>

#include "plan/plan.hpp"
#include "postgres/layout.hpp"

namespace lugger {

/// Hashes of the keys of one own table's rows. Keeps its memory between units.
class UnitKeys {
 public:
  UnitKeys(const PgTableLayout& layout, const TablePlan& table);

  void clear() noexcept;
  void add(const Value* row);
  /// False where two rows may have one key: two hashes are equal, or equal keys may differ in their
  /// bytes, which only the server can tell.
  bool differ();
  /// The rows come in the order of upsert_with(): a text key, by its bytes.
  bool ascend() const noexcept { return ascend_; }

 private:
  struct Field {
    size_t slot;
    EncodeField encode;
  };
  std::vector<Field> fields_;  // none: the server must tell
  bool text_ = false;          // of one column, whose bytes are compared
  bool ascend_ = false;        // so far
  std::vector<uint64_t> hashes_;
  ByteBuffer key_, last_;
};

}  // namespace lugger
