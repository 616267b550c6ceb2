// Reads the documents of a run again, for a target that must know their order.
#pragma once
#include "engine/run_impl.hpp"

namespace lugger {

/// Reads exactly what the run has read, in order of partition and position, through a separate plan
/// and hook; nothing of it is counted. Throws Error{interrupted} when the run is to stop.
void reread(RunShared& shared, const std::function<void(Batch&)>& use);

}  // namespace lugger
