// The stages of a PostgreSQL target: which steps are left, and doing them.
#pragma once
#include <set>

#include "postgres/crew.hpp"

namespace lugger {

/// What a stage knows beside its steps.
struct StageTables {
  /// Tables that this very process made and filled: nobody uses them yet.
  std::set<std::string> made;
  /// Steps in the ledger: a child's foreign key is added where it was promised.
  std::set<std::string> promised;
};

/// Steps of a plan that the catalog does not show as done. Error{config} for tables that do not
/// exist.
std::vector<StageStep> pending_steps(PgSession& session, const PlanShape& shape,
                                     const StageTables& tables);

StageResult run_pg_stage(const PgPlace& place, Stage stage, const PlanShape& shape,
                         const StageTables& tables, const StageWork& work);

}  // namespace lugger
