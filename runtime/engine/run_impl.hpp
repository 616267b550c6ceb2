// State that the parts of a run share, and the function that starts one.
#pragma once
#include <atomic>
#include <mutex>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engine/allowance.hpp"
#include "engine/away.hpp"
#include "engine/job_impl.hpp"
#include "engine/noticed.hpp"
#include "engine/pace.hpp"
#include "engine/partition_queue.hpp"
#include "engine/run.hpp"

namespace lugger {

std::unique_ptr<Run> start_run(JobImpl& job, const RunSettings& settings);

/// State that the workers of a run share. The counters are only for display; the totals of the run
/// come from the tallies of its units.
struct RunShared {
  RunShared(JobImpl& loaded, const RunSettings& given) : job(loaded), settings(given) {
    away.be_patient(settings.patient);
  }

  JobImpl& job;
  RunSettings settings;
  std::shared_ptr<const PlanShape> shape;
  Source* source = nullptr;   // the job's, or its rejects
  bool live = false;          // the source never ends: a feed
  bool changes = false;       // documents may come more than once
  bool source_moves = false;  // SourceInfo::moves
  bool tries_again = false;   // UnitRecord::keeps_refused
  State* state = nullptr;     // null for a dry run
  std::string run, now;       // its id and lugger.now(), the same after a resume
  SinkOptions sink_options;
  StopFlag stop;
  Pace pace;
  PartitionQueue partitions;
  std::unique_ptr<Claims> claims;  // set in a joint run, instead of the queue
  std::mutex claiming;
  Away away;  // servers that the threads wait for
  std::atomic<uint64_t> read{0}, rows{0}, bytes{0}, rejected{0};
  std::atomic<double> behind{-1};            // RunSnapshot::behind_s
  std::atomic<uint64_t> followed{0};         // RunSnapshot::followed
  std::atomic<uint64_t> kept{0};             // RunSnapshot::kept
  std::atomic<bool> settles{false};          // what was spooled
  std::atomic<bool> rejected_before{false};  // by this job, as far as its changes go
  Allowance allowance;                       // --limit

  std::mutex mutex;  // guards what follows
  Tally tally;
  std::map<std::string, uint64_t> unmapped, skip_reasons, replaced;
  std::map<std::string, Met> met;
  RejectGroups rejects;
  Noticed noticed;
  ReadCounts counts;
  std::vector<std::string> warnings;
  std::optional<Error> failure;
  std::string waits_for;  // of a joint run: partitions other processes still work on

  void wait_for(const std::string& others);
  void fail(const Error& error);
};

}  // namespace lugger
