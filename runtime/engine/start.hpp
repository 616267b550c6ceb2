// What happens before the first document: inspect the target, resume or begin the run, claim the
// job, make the partitions.
#pragma once
#include "engine/ledger_run.hpp"
#include "engine/run_impl.hpp"

namespace lugger {

struct PreparedRun {
  std::unique_ptr<LedgerRun> ledger;  // null for a dry run
  std::unique_ptr<Source> rejects;    // set for --retry
  std::unique_ptr<Source> followed;   // set when changes are followed
  TargetReport report;
  Tally earlier;                             // of earlier attempts at this run
  uint64_t total_bytes = 0, done_bytes = 0;  // on disk
  bool resumed = false;
  bool was_done = false;  // the last run is done and must not be repeated: load nothing
  std::string note;       // says that this source was loaded before
};

/// How the ledger identifies a job.
RunRequest request_of(const JobSpec& spec, const std::string& source_identity,
                      const RunSettings& settings);

// The single steps, for runs without a Job (task.cpp) and shared runs (join.cpp).
/// An earlier load of the same source that is done.
struct DoneBefore {
  RunRecord run;
  std::string note;  // tells the user about it
  std::string why;   // why its rows must not, or cannot, be loaded again; empty: they can
};
std::optional<DoneBefore> done_before(State& state, const RunRequest& request,
                                      const PlanShape& shape);
/// True when a run loads from the beginning: none goes on, and none was all there was to load.
bool begins(State& state, const RunRequest& request, const PlanShape& shape, bool again);

/// What the run meets at its target, and of what kind its source is.
TargetReport inspect_target(JobImpl& job, const RunSettings& settings);
/// Makes what is missing, if asked to, and keeps what is to be known of vectors.
void make_ready(Target& target, const PlanShape& shape, bool create, const TargetReport& report);
SourceInfo info_for(Source& source, const RunSettings& settings);
void refuse_problems(const TargetReport& report, const std::string& job);
/// A problem where another's work stands in the target, which `restart` allows to be written over.
void look_at_output(Target& target, const std::string& job, bool restart, TargetReport& report);
void resume_run(RunShared& shared, PreparedRun& prepared, const RunRecord& run);
/// Makes several times more parts than workers, so that no worker is idle for long at the end while
/// another reads a slow part. A small source gets one part for each worker.
int parts_for(const SourceInfo& info, int workers);
/// Splits the source into about `parts`.
void begin_run(RunShared& shared, PreparedRun& prepared, const SourceInfo& info, int parts);

/// Sets the hours and the limits of a run.
void keep_pace(Pace& pace, Target& target, const ThrottleSpec& throttle, const std::string& window);

/// Sets shared.{shape, source, state, run, sink_options, partitions}. Error{config} for anything
/// that the user must decide first.
void prepare_run(RunShared& shared, PreparedRun& prepared);

}  // namespace lugger
