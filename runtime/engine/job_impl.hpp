// What a Job holds once its places are opened.
#pragma once
#include <memory>
#include <optional>

#include "engine/job.hpp"

namespace lugger {

struct JobImpl {
  JobSpec spec;
  std::unique_ptr<Source> source;
  std::shared_ptr<Target> target;
  std::shared_ptr<const PlanShape> shape;
  /// What the last plan saw of the target, until a run takes it: it looks again once it has the job.
  struct Planned {
    bool create;
    TargetReport report;
  };
  std::optional<Planned> planned;
  std::vector<std::string> shape_warnings;  // what binding the mapping had to leave out

  Source& open_source_once();
  Target& open_target_once();
  /// Binds the mapping; columns = "auto" takes its first pass here.
  std::shared_ptr<const PlanShape> shape_once();
  std::unique_ptr<RowHook> make_hook(const std::string& now);
};

/// Seconds the load may take, from the size of the source: what the server needs for rows of
/// ordinary width.
double forecast_seconds(const SourceInfo& info, int connections);
/// What one connection takes a byte of BSON, from file to table, as docs/performance.md measured.
double connection_seconds_per_byte() noexcept;
int default_jobs();

/// PreviewDocuments of a batch that a plan has run over.
std::vector<PreviewDocument> preview_batch(Batch& batch, const PlanShape& shape);

}  // namespace lugger
