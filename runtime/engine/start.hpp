// Before the first document: inspect, resume or begin, claim the job, lay out partitions.
#pragma once
#include "engine/ledger_run.hpp"
#include "engine/run_impl.hpp"

namespace lugger {

struct PreparedRun {
  std::unique_ptr<LedgerRun> ledger;  // none for a dry run
  std::unique_ptr<Source> rejects;    // --retry
  TargetReport report;
  Tally earlier;                             // of earlier attempts at this run
  uint64_t total_bytes = 0, done_bytes = 0;  // on disk
  bool resumed = false;
  bool was_done = false;  // the last run is done and must not be repeated: nothing is loaded
  std::string note;       // that this source was loaded before
};

/// What a job is known by in the ledger.
RunRequest request_of(const JobSpec& spec, const std::string& source_identity,
                      const RunSettings& settings);

// The steps, for whoever begins a run without a Job (task.cpp) or shares one (join.cpp).
/// A load of the same source that is done.
struct DoneBefore {
  RunRecord run;
  std::string note;  // says so
  std::string why;   // its rows must not, or cannot, be loaded once more; empty: they can
};
std::optional<DoneBefore> done_before(State& state, const RunRequest& request,
                                      const PlanShape& shape);

void refuse_problems(const TargetReport& report, const std::string& job);
void resume_run(RunShared& shared, PreparedRun& prepared, const RunRecord& run);
/// Several times more parts than workers, so that at the end none waits for long while one works on
/// a slow part; where a source is small, one each.
int parts_for(const SourceInfo& info, int workers);
/// Splits the source into about `parts`.
void begin_run(RunShared& shared, PreparedRun& prepared, const SourceInfo& info, int parts);

/// Gives a run its hours and its limits.
void keep_pace(Pace& pace, Target& target, const ThrottleSpec& throttle, const std::string& window);

/// Fills shared.{shape, source, state, run, sink_options, partitions}. Error{config} for anything a
/// user must decide first.
void prepare_run(RunShared& shared, PreparedRun& prepared);

}  // namespace lugger
