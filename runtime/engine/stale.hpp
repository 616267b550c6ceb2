// Rows that are older than their documents, because what came of those later was rejected.
#pragma once
#include "place/target.hpp"

namespace lugger {

/// Counts, among the job's rejects, documents that have a row all the same; of those that keep their
/// documents, and the first ten thousand.
uint64_t count_stale(State& state, Target& target, const std::shared_ptr<const PlanShape>& shape,
                     const std::string& job);

}  // namespace lugger
