// The order of rows by age, as a number.
#pragma once
#include "value/value.hpp"

namespace lugger {

/// An unsigned number for a value of the column that says which row is newer. Numbers have the same
/// order as the values on the server, NULL first. Numerics that are almost equal may share a rank;
/// for the other types that have one (see docs/verify.md), different values have different ranks.
uint64_t newer_rank(const Value& value);

}  // namespace lugger
