// Foreign keys of columns with ref = ..., fk = true.
#pragma once
#include <vector>

#include "plan/plan.hpp"

namespace lugger {

/// One a column and table. Checked by the server alone: the other table may be filled by another
/// job.
std::vector<ConstraintMapping> reference_constraints(const PlanShape& shape);

}  // namespace lugger
