// The k best of many vectors for one query, by exact search.
#pragma once
#include "vector/kernels.hpp"

namespace lugger {

enum class Metric : uint8_t { kCosine, kDot, kL2, kL1, kHamming, kJaccard };

/// Greater is nearer with cosine and dot; the others are distances.
constexpr bool is_distance(Metric metric) noexcept { return metric > Metric::kDot; }

struct Match {
  uint32_t index = 0;
  double score = 0;
};

/// Fills `best`, best first, and returns how many there are. Equal scores keep the order of the
/// vectors. Each vector has as many elements as the query; nullptr is skipped. A vector whose score
/// is NaN is never among the best: it contains NaN, or is all zeros with cosine.
size_t top_k(std::span<const float* const> vectors, Floats query, Metric metric,
             std::span<Match> best) noexcept;

}  // namespace lugger
