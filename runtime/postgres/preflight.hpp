// Counts the rows that constraints would refuse, before any step is tried.
#pragma once
#include "postgres/session.hpp"
#include "postgres/steps.hpp"

namespace lugger {

/// Rows of the target that steps would refuse, counted in one read-only snapshot. Steps without
/// such rows are left out. A step that cannot be counted in advance is listed without rows, with a
/// message.
std::vector<Refused> preflight_pg(PgSession& session, const PlanShape& shape,
                                  const std::vector<StageStep>& steps);

}  // namespace lugger
