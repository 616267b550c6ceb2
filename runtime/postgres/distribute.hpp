// Tables distributed by Citus, for the target's option `distribute`: the document's own tables by
// that column, child tables by the column that holds the same value of their parent's key, in the
// same shards.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "place/target.hpp"
#include "postgres/catalog.hpp"
#include "postgres/steps.hpp"

namespace lugger {

/// The existing tables of the plan, in its order; nullopt: the table does not exist yet.
using StandingTables = std::vector<std::optional<PgTable>>;

/// The column by which the job distributes a table of its plan; empty: it does not.
std::string distribution_column(const PlanShape& plan, const TablePlan& table);

/// Statements to run after the CREATE TABLE of each table, in the same transaction; empty without
/// `distribute`.
std::vector<std::string> distribution_ddl(const PlanShape& plan);
/// The same for one table, when some of the others exist already.
std::string distribute_table(const PlanShape& plan, const StandingTables& standing, size_t table);

/// Why the tables cannot be distributed as the job requests: the server does not support it, or an
/// existing table is not distributed. One line each, with the statement that helps.
std::vector<std::string> distribution_problems(PgSession& session, const PlanShape& plan,
                                               const StandingTables& standing);

/// Why Citus would refuse a step on a table that is or will be distributed. Empty: no reason that
/// can be known before it is tried.
std::string distributed_step_problem(PgSession& session, const PlanShape& plan,
                                     const StandingTables& standing, const StageStep& step);

/// Both checks for existing tables, as the result of a preflight.
std::vector<Refused> distribution_preflight(PgSession& session, const PlanShape& plan,
                                            const std::vector<StageStep>& steps);

}  // namespace lugger
