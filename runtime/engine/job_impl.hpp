// What a Job holds once its places are opened.
#pragma once
#include <memory>
#include <optional>

#include "engine/embedding.hpp"
#include "engine/job.hpp"

namespace lugger {

struct JobImpl {
  JobSpec spec;
  std::unique_ptr<Source> source;
  std::shared_ptr<Target> target;
  std::shared_ptr<const PlanShape> shape;
  /// What the last plan found out about the target. The next run takes it, and inspects the target
  /// again once it has claimed the job.
  struct Planned {
    bool create, follow;
    TargetReport report;
  };
  std::optional<Planned> planned;
  std::vector<std::string> mismatches;      // what source and job say of vectors differently
  std::vector<std::string> shape_warnings;  // about columns that binding the mapping left out

  Source& open_source_once();
  Target& open_target_once();
  /// Binds the mapping on the first call; columns = "auto" makes its first pass over the source
  /// here.
  std::shared_ptr<const PlanShape> shape_once();
  std::unique_ptr<RowHook> make_hook(const std::string& now);
  /// The models of its columns; null: none has one.
  Embedding* embedding_once();
  /// Has the plan make vectors of texts, where the job does. False: it does not.
  bool embed_with(Plan& plan, EmbedMode mode);

  std::unique_ptr<Embedding> embedding;
};

/// Estimated seconds of the load: what the server needs for rows of ordinary width, given the size
/// of the source.
double forecast_seconds(const SourceInfo& info, int connections);
/// Seconds that one connection needs for a byte of BSON, from file to table, as measured in
/// docs/performance.md.
double connection_seconds_per_byte() noexcept;
int default_jobs();

/// PreviewDocuments of a batch that a plan has been applied to.
std::vector<PreviewDocument> preview_batch(Batch& batch, const PlanShape& shape);

}  // namespace lugger
