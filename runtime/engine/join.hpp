// --join: several processes at work on one run. The ledger is their queue; nobody leads.
#pragma once
#include "engine/start.hpp"

namespace lugger {

/// Error{config} for what cannot be shared.
void refuse_to_join(const RunSettings& settings, const SourceInfo& source, Target& target,
                    const State& state);

/// prepare_run() of a process that joins: begins the run, resumes it, or goes along with others.
void join_run(RunShared& shared, PreparedRun& prepared);

/// The next partition for this process, once there is one; none: all are done, or it is to stop.
std::optional<PartitionRecord> claim_partition(RunShared& shared);

/// When all partitions are done, one process finishes and the others wait until the run is done.
/// True: it is this one, and it holds the job.
bool take_finish(RunShared& shared, LedgerRun& ledger);

}  // namespace lugger
