// --join: several processes work on one run. The ledger is their queue, and no process leads.
#pragma once
#include "engine/start.hpp"

namespace lugger {

/// Throws Error{config} when the run cannot be shared.
void refuse_to_join(const RunSettings& settings, const SourceInfo& source, Target& target,
                    const State& state);

/// prepare_run() for a process that joins: begins the run, resumes it, or joins one that other
/// processes have begun.
void join_run(RunShared& shared, PreparedRun& prepared);

/// Waits for the next partition for this process. nullopt: all are done, or this process is to
/// stop.
std::optional<PartitionRecord> claim_partition(RunShared& shared);

/// When all partitions are done, one process finishes the run and the others wait until it is done.
/// True: this process finishes it, and has claimed the job.
bool take_finish(RunShared& shared, LedgerRun& ledger);

}  // namespace lugger
