// What the server would not write, or not tell of: the key that on_conflict asks for, rights on
// columns, columns that no UPDATE sets, triggers and rules in the way of a load, child tables that
// two routes would share.
#pragma once
#include "place/target.hpp"
#include "postgres/catalog.hpp"

namespace lugger {

void check_writes(const PlanShape& plan, size_t table, const PgTable& actual, TargetReport& report);
/// A child row knows its parent's key, not its table.
void check_routes(const PlanShape& plan, TargetReport& report);

}  // namespace lugger
