// Empty tables in the rows that a task adds: {} says neither list nor document.
#pragma once
#include <span>

#include "plan/plan.hpp"

namespace lugger {

/// Turns empty documents of the row into empty arrays, in their place, where the table has a column
/// of an array type or a child table of an array. `shape` is that of rows with named columns.
void make_empty_lists(const PlanShape& shape, std::span<uint8_t> row);

}  // namespace lugger
