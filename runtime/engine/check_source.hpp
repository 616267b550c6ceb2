// Checks whether a job can do what its source asks for: give the rest of a document, apply deletes.
#pragma once
#include "place/source.hpp"
#include "place/target.hpp"

namespace lugger {

/// Adds to the report what the source cannot give, or its changes cannot do to the target, and
/// warnings about rows that will not be deleted. `rows`: Source::row_shape(). `hooked`: the job has a
/// map() hook that makes rows.
void check_source(const SourceInfo& source, const RowShape* rows, const PlanShape& plan,
                  bool hooked, Target& target, TargetReport& report);

}  // namespace lugger
