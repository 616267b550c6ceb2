// Documents that could not be read, of which the same unit loads a later state: as rejects that are
// tried again some day they would take the place of that.
#pragma once
#include <memory>
#include <span>

#include "place/state.hpp"
#include "plan/batch.hpp"
#include "plan/plan.hpp"

namespace lugger {

/// Takes them out of the unit's rejects; they count as skipped. Only where rows are updated, and
/// their key is the `_id`; of a source of changes the ledger does that (UnitRecord::documents). The
/// batches are those of the unit, in order.
void leave_out_outdated(std::span<const std::unique_ptr<Batch>> batches, const PlanShape& shape,
                        UnitRecord& unit);

}  // namespace lugger
