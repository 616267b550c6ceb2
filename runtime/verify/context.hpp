// State that all parts of one verification share.
#pragma once
#include <atomic>
#include <map>
#include <optional>
#include <string>

#include "engine/job_impl.hpp"
#include "verify/comparison.hpp"
#include "verify/known_rejects.hpp"
#include "verify/options.hpp"
#include "verify/since.hpp"

namespace lugger {

struct VerifyContext {
  VerifyContext(JobImpl& of, VerifyOptions as) : job(of), options(std::move(as)) {}

  JobImpl& job;
  VerifyOptions options;
  std::unique_ptr<Rows> rows;  // of the target
  std::shared_ptr<const PlanShape> shape;
  Comparison comparison;
  std::vector<Partition> partitions;
  std::string now;          // lugger.now() of the load
  bool unfinished = false;  // the load is still running, or can be resumed
  std::string resume;       // the command that resumes it
  bool one_reader = false;  // the load had one partition, so its order decided about duplicates
  uint64_t seed = 0;        // for all digests
  std::optional<uint64_t> sample_below;  // a sample: only rows with a root digest below this
  std::optional<SinceFilter> since;
  KnownRejects rejects;              // documents that the ledger keeps as rejects of the load
  int readers = 1, connections = 1;  // of the source, of the target
  StopFlag stop;
  Away away;  // the server, while a repair waits for it
  std::atomic<uint64_t> source_documents{0}, source_bytes{0}, target_rows{0};  // for display

  /// True when a row of the target that is newer than its document is not a difference.
  bool keeps_newer() const noexcept {
    return shape->mapping().on_conflict == OnConflict::kNewer && !options.overwrite_newer;
  }
  bool sampled(const Digest& root) const noexcept {
    return !sample_below || root.lo < *sample_below;
  }
};

}  // namespace lugger
