// A run's shared facts, and the way to start one.
#pragma once
#include <atomic>
#include <mutex>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engine/allowance.hpp"
#include "engine/job_impl.hpp"
#include "engine/pace.hpp"
#include "engine/partition_queue.hpp"
#include "engine/run.hpp"

namespace lugger {

std::unique_ptr<Run> start_run(JobImpl& job, const RunSettings& settings);

/// What the workers of a run share. Counters are for display; the books are kept in the tallies of
/// the units.
struct RunShared {
  RunShared(JobImpl& loaded, const RunSettings& given) : job(loaded), settings(given) {}

  JobImpl& job;
  RunSettings settings;
  std::shared_ptr<const PlanShape> shape;
  Source* source = nullptr;  // the job's, or its rejects
  bool live = false;         // it goes on for ever
  State* state = nullptr;    // none for a dry run
  std::string run, now;      // its id and its instant, kept over resumes
  SinkOptions sink_options;
  StopFlag stop;
  Pace pace;
  PartitionQueue partitions;
  std::unique_ptr<Claims> claims;  // of a joint run, in the queue's place
  std::mutex claiming;
  std::atomic<int> away{0};  // workers and others that wait for a server that went away
  std::atomic<uint64_t> read{0}, rows{0}, bytes{0}, rejected{0};
  Allowance allowance;  // --limit

  std::mutex mutex;  // guards what follows
  Tally tally;
  std::map<std::string, uint64_t> unmapped, skip_reasons, replaced;
  RejectGroups rejects;
  ReadCounts counts;
  std::vector<std::string> warnings;
  std::optional<Error> failure;
  std::string waits_for;  // of a joint run: what other processes have not done yet

  void wait_for(const std::string& others);
  void fail(const Error& error);
};

}  // namespace lugger
