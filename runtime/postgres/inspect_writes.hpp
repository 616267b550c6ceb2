// What the server would not write, or not tell of: the key that on_conflict asks for, rights on
// columns, columns that no UPDATE sets, triggers and rules in the way of a load, child tables that
// two routes would share.
#pragma once
#include "place/target.hpp"
#include "postgres/catalog.hpp"
#include "postgres/distribute.hpp"

namespace lugger {

void check_writes(const PlanShape& plan, size_t table, const PgTable& actual, TargetReport& report);
/// No foreign key, trigger or rule of the job's tables, or to come, leads to another one.
/// Foreign keys to tables that are not the plan's, and unique indexes besides the keys, in words.
std::vector<std::string> rows_waited_for(PgSession& session, const PlanShape& plan,
                                         const StandingTables& standing);
bool is_self_contained(const PlanShape& plan, const StandingTables& standing);
/// A child row knows its parent's key, not its table.
void check_routes(const PlanShape& plan, TargetReport& report);

}  // namespace lugger
