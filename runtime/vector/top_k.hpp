// The best of many vectors for one query: every one is looked at, the best k are kept.
#pragma once
#include "vector/kernels.hpp"

namespace lugger {

enum class Metric : uint8_t { kCosine, kDot, kL2 };

struct Match {
  uint32_t index = 0;
  double score = 0;  // cosine and dot: greater is nearer; l2: the distance, less is nearer
};

/// Fills `best` from the front, best first, and returns how many there are; equal scores keep the
/// order of the vectors. Each vector has as many numbers as the query; nullptr is a hole. A score
/// that is NaN is never among the best: a vector that holds NaN, or zeros under cosine.
size_t top_k(std::span<const float* const> vectors, Floats query, Metric metric,
             std::span<Match> best) noexcept;

}  // namespace lugger
