// The documents of a run once more, for a target that must know their order.
#pragma once
#include "engine/run_impl.hpp"

namespace lugger {

/// Gives what the run has read, and no more, by partition and position, through a plan and a hook
/// of their own: nothing of it is counted. Throws Error{interrupted} when the run is to stop.
void reread(RunShared& shared, const std::function<void(Batch&)>& use);

}  // namespace lugger
