#include "vector/top_k.hpp"

namespace lugger {

double score(Floats v, Floats query, double query_squared, Metric metric) noexcept {
  switch (metric) {
    case Metric::kDot: return dot(v, query);
    case Metric::kL2: return std::sqrt(l2_squared(v, query));
    case Metric::kL1: return l1(v, query);
    case Metric::kHamming: return static_cast<double>(hamming(v, query));
    case Metric::kJaccard: return jaccard(v, query);
    case Metric::kCosine: break;
  }
  return cosine(v, query, query_squared);
}

size_t top_k(std::span<const float* const> vectors, Floats query, Metric metric,
             std::span<Match> best) noexcept {
  const double query_squared = dot(query, query);
  Best kept(best, metric);
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (vectors[i] == nullptr) continue;
    kept.offer({static_cast<uint32_t>(i),
                score({vectors[i], query.size()}, query, query_squared, metric)});
  }
  kept.sort();
  return kept.kept();
}

}  // namespace lugger
