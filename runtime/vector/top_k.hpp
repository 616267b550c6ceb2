// The k best of many vectors for one query, by exact search.
#pragma once
#include "vector/best.hpp"
#include "vector/kernels.hpp"

namespace lugger {

/// How near a vector is to a query. The query's dot product with itself is used by cosine only.
double score(Floats v, Floats query, double query_squared, Metric metric) noexcept;

/// Fills `best`, best first, and returns how many there are. Equal scores keep the order of the
/// vectors. Each vector has as many elements as the query; nullptr is skipped. A vector whose score
/// is NaN is never among the best: it contains NaN, or is all zeros with cosine.
size_t top_k(std::span<const float* const> vectors, Floats query, Metric metric,
             std::span<Match> best) noexcept;

}  // namespace lugger
