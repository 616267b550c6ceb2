// The books of a run must balance, unit by unit: whoever records a unit looks before it counts.
#pragma once
#include "plan/tally.hpp"

namespace lugger {

/// Error{bug} when documents were read of which nobody says what became of them. Thrown before the
/// unit is committed, so that none of it is.
void check_books(const Tally& tally);

}  // namespace lugger
