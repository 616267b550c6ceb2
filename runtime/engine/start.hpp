// Before the first document: inspect, resume or begin, claim the job, lay out partitions.
#pragma once
#include "engine/run_impl.hpp"

namespace lugger {

struct PreparedRun {
  std::unique_ptr<State> state;
  std::unique_ptr<Source> rejects;  // --retry
  TargetReport report;
  Tally earlier;                             // of earlier attempts at this run
  uint64_t total_bytes = 0, done_bytes = 0;  // on disk
  bool resumed = false;
  bool was_done = false;  // the last run is done and must not be repeated: nothing is loaded
  std::string note;       // that this source was loaded before
};

/// The newest run of a job that loaded its source, or a part of it: one that only tried rejects
/// again is not meant, nor one that ended before its first commit.
std::optional<RunRecord> latest_load(State& state, const std::string& job);

/// It tried rejects again.
bool was_retry(State& state, const RunRecord& run);

// The steps, for whoever begins a run without a Job (task.cpp).
std::string new_run_id();
bool is_unfinished(const RunRecord& run);
void refuse_problems(const TargetReport& report, const std::string& job);
void check_unchanged(const RunRecord& run, const JobSpec& spec, const std::string& identity,
                     bool accept);
/// Why an unfinished run cannot go on, where tables that hold its rows are gone.
std::optional<Error> lost_tables(const TargetReport& report, State& state, const JobSpec& spec,
                                 const RunSettings& settings);
void take_lease(State& state, const std::string& job);
void resume_run(RunShared& shared, PreparedRun& prepared, const RunRecord& run);
/// Splits the source into about `parts`.
void begin_run(RunShared& shared, PreparedRun& prepared, const SourceInfo& info, int parts);

/// Gives a run its hours and its limits.
void keep_pace(Pace& pace, Target& target, const ThrottleSpec& throttle, const std::string& window);

/// Fills shared.{shape, source, state, run, sink_options, partitions}. Error{config} for anything a
/// user must decide first.
void prepare_run(RunShared& shared, PreparedRun& prepared);

}  // namespace lugger
