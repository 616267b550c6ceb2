// What says which row is newer, as a number.
#pragma once
#include "value/value.hpp"

namespace lugger {

/// Order of a value of the column that says which row is newer, as an unsigned number: as the
/// server orders it, NULL first. Numerics that are nearly the same may share a rank; of the other
/// types that have one (see docs/verify.md), no two values do.
uint64_t newer_rank(const Value& value);

}  // namespace lugger
