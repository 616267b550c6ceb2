// What constraints would refuse, counted before anything is attempted.
#pragma once
#include "postgres/session.hpp"
#include "postgres/steps.hpp"

namespace lugger {

/// Rows of the target that steps would refuse, in one read-only snapshot; steps that hold are left
/// out. A step that cannot be counted beforehand is listed with no rows and a message.
std::vector<Refused> preflight_pg(PgSession& session, const PlanShape& shape,
                                  const std::vector<StageStep>& steps);

}  // namespace lugger
