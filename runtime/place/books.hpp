// Checks that the counts of a unit balance. Everything that records a unit calls this first.
#pragma once
#include "plan/tally.hpp"

namespace lugger {

/// Throws Error{bug} when documents were read that have no outcome. Call it before the unit is
/// committed, so that nothing of the unit is committed.
void check_books(const Tally& tally);
/// Of a unit that tried rejects again: the refused ones were read and counted before.
void leave_out_refused(Tally& tally) noexcept;

}  // namespace lugger
