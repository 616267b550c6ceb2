// The order in which rows with the same key are applied. Verification and the merge of a load
// (postgres/merge.hpp) use the same rule, so they agree on the row that remains.
#pragma once
#include <cstdint>

#include "plan/mapping.hpp"

namespace lugger {

/// The place of a source row in that order.
struct Turn {
  uint64_t order = 0;    // position of its document in the source
  uint64_t newer = 0;    // has the order of the column of on_conflict = 'newer'
  uint64_t version = 0;  // a digest of that column, where its order is not fully known
  uint32_t place = 0;    // among the rows of its document in the table: its own row first, then in
                         // the order in which the hook gave them
  uint64_t id = 0;       // hash of the document's _id, where others write to the source; 0: none
};

/// True when `a` is applied before `b`.
constexpr bool comes_before(const Turn& a, const Turn& b) noexcept {
  return a.order != b.order ? a.order < b.order : a.place < b.place;
}

/// True when `a` remains after both rows, with the same key, have been applied.
constexpr bool wins(OnConflict policy, const Turn& a, const Turn& b) noexcept {
  if (policy == OnConflict::kUpdate) return comes_before(b, a);
  if (policy == OnConflict::kNewer && a.newer != b.newer) return a.newer > b.newer;
  return comes_before(a, b);
}

}  // namespace lugger
