// Tables that Citus is to distribute, by the target's option `distribute`: the document's own by
// that column, children by the column that holds it of their parent's key, in the same shards.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "place/target.hpp"
#include "postgres/catalog.hpp"
#include "postgres/steps.hpp"

namespace lugger {

/// The plan's tables as they stand, in its order; nullopt: there is none yet.
using StandingTables = std::vector<std::optional<PgTable>>;

/// Name of the column by which the job distributes a table of its plan; empty: it does not.
std::string distribution_column(const PlanShape& plan, const TablePlan& table);

/// Behind the CREATE TABLE of each table, in its transaction; empty without `distribute`.
std::vector<std::string> distribution_ddl(const PlanShape& plan);
/// The same for one table, beside those that stand.
std::string distribute_table(const PlanShape& plan, const StandingTables& standing, size_t table);

/// Why the tables could not be distributed as the job says: the server cannot, or a table stands
/// that is not. A line each, with the statement that helps.
std::vector<std::string> distribution_problems(PgSession& session, const PlanShape& plan,
                                               const StandingTables& standing);

/// Why Citus would refuse a step on a table that is distributed, or is about to be; empty: it would
/// not, as far as can be told before it is tried.
std::string distributed_step_problem(PgSession& session, const PlanShape& plan,
                                     const StandingTables& standing, const StageStep& step);

/// Both for tables that stand, as a preflight tells them.
std::vector<Refused> distribution_preflight(PgSession& session, const PlanShape& plan,
                                            const std::vector<StageStep>& steps);

}  // namespace lugger
