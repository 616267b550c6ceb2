// Whether the vectors that are to come may stand beside those of the target.
#pragma once
#include "engine/job_impl.hpp"

namespace lugger {

/// What the manifests of the job and of its source say against each other, and against what the
/// target keeps: problems, or warnings where the job allows vectors of another making.
void check_manifests(JobImpl& job, TargetReport& report);

/// The same of the target alone: "embedding: the target's have model ...".
std::vector<std::string> target_mismatches(const std::vector<VectorManifest>& wanted,
                                           const std::vector<VectorManifest>& kept);

}  // namespace lugger
