// What every part of one verification shares.
#pragma once
#include <atomic>
#include <map>
#include <optional>
#include <string>

#include "engine/job_impl.hpp"
#include "postgres/compared.hpp"
#include "postgres/compared_reader.hpp"
#include "postgres/row_eraser.hpp"
#include "verify/known_rejects.hpp"
#include "verify/options.hpp"
#include "verify/since.hpp"

namespace lugger {

struct VerifyContext {
  VerifyContext(JobImpl& of, VerifyOptions as) : job(of), options(std::move(as)) {}

  JobImpl& job;
  VerifyOptions options;
  std::string url;  // of the target, resolved; may hold a password
  bool pooled = false;
  std::shared_ptr<const PlanShape> shape;
  std::shared_ptr<void> keep;  // a private server, while it is needed
  Comparison comparison;
  std::vector<Partition> partitions;
  std::string now;                       // lugger.now() of the load
  bool unfinished = false;               // the load goes on, or should
  std::string resume;                    // the command that does
  bool one_reader = false;               // the load had one partition: its order settled duplicates
  uint64_t seed = 0;                     // of all digests
  std::optional<uint64_t> sample_below;  // rows whose root digest is below
  std::optional<SinceFilter> since;
  KnownRejects rejects;  // documents that the ledger keeps as rejects of the load
  int readers = 1, connections = 1;
  StopFlag stop;
  std::atomic<uint64_t> source_documents{0}, source_bytes{0}, target_rows{0};  // for display

  /// A row of the target that is newer than its document stays, and is no difference.
  bool keeps_newer() const noexcept {
    return shape->mapping().on_conflict == OnConflict::kNewer && !options.overwrite_newer;
  }
  std::unique_ptr<RowSnapshot> snapshot(int at_once) const {
    return make_pg_snapshot(url, pooled, at_once, comparison.tables);
  }
  std::unique_ptr<RowEraser> eraser() const {
    return make_pg_row_eraser(url, pooled, comparison.tables);
  }
  bool sampled(const Digest& root) const noexcept {
    return !sample_below || root.lo < *sample_below;
  }
};

}  // namespace lugger
