// Rows of one key take turns, in verification as in the merge of a load (postgres/merge.hpp): which
// of them stands in the end is decided by the same rule.
#pragma once
#include <cstdint>

#include "plan/mapping.hpp"

namespace lugger {

/// When a row of the source has its turn.
struct Turn {
  uint64_t order = 0;    // of its document in the source
  uint64_t newer = 0;    // sorts as the column of on_conflict = 'newer' does
  uint64_t version = 0;  // a digest of that column, where its order is not, or not all, known
  uint32_t place = 0;    // among its document's rows of the table: its own first, then in the order
                         // in which the hook gave them
};

/// Did the first have its turn before the second?
constexpr bool comes_before(const Turn& a, const Turn& b) noexcept {
  return a.order != b.order ? a.order < b.order : a.place < b.place;
}

/// Of two rows of one key: does the first stand, once both had their turn?
constexpr bool wins(OnConflict policy, const Turn& a, const Turn& b) noexcept {
  if (policy == OnConflict::kUpdate) return comes_before(b, a);
  if (policy == OnConflict::kNewer && a.newer != b.newer) return a.newer > b.newer;
  return comes_before(a, b);
}

}  // namespace lugger
