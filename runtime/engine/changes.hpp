// Checks whether a job can apply the deletes of a source that reports deleted documents.
#pragma once
#include "place/source.hpp"
#include "place/target.hpp"

namespace lugger {

/// Adds to the report the problems that prevent deletes, and warnings about rows that will not be
/// deleted. `hooked`: the job has a map() hook that makes rows.
void check_changes(const SourceInfo& source, const PlanShape& plan, bool hooked, Target& target,
                   TargetReport& report);

}  // namespace lugger
