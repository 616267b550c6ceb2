// What a source that deletes documents asks of a job.
#pragma once
#include "place/source.hpp"
#include "place/target.hpp"

namespace lugger {

/// Adds to the report what stands in the way of deletes, and what is not deleted. `hooked`: a
/// script's map() makes rows.
void check_changes(const SourceInfo& source, const PlanShape& plan, bool hooked, Target& target,
                   TargetReport& report);

}  // namespace lugger
