// The stages of a PostgreSQL target: finds out which steps are left, and does them.
#pragma once
#include <set>

#include "postgres/crew.hpp"

namespace lugger {

/// What a stage knows besides its steps.
struct StageTables {
  /// Tables that this process has created and filled: nobody else uses them yet.
  std::set<std::string> made;
  /// Steps in the ledger. The foreign key of a child table is added only if it is listed there.
  std::set<std::string> promised;
};

/// Steps of a plan that are not done according to the catalog. Error{config} for tables that do not
/// exist.
std::vector<StageStep> pending_steps(PgSession& session, const PlanShape& shape,
                                     const StageTables& tables);

StageResult run_pg_stage(const PgPlace& place, Stage stage, const PlanShape& shape,
                         const StageTables& tables, const StageWork& work);

}  // namespace lugger
