#include "vector/top_k.hpp"

#include <algorithm>
#include <cmath>

namespace lugger {

size_t top_k(std::span<const float* const> vectors, Floats query, Metric metric,
             std::span<Match> best) noexcept {
  if (best.empty()) return 0;
  const double query_squared = dot(query, query);
  const auto score = [&](Floats v) {
    switch (metric) {
      case Metric::kDot: return dot(v, query);
      case Metric::kL2: return std::sqrt(l2_squared(v, query));
      case Metric::kL1: return l1(v, query);
      case Metric::kHamming: return static_cast<double>(hamming(v, query));
      case Metric::kJaccard: return jaccard(v, query);
      case Metric::kCosine: break;
    }
    return cosine(v, query, query_squared);
  };
  const auto better = [metric](const Match& a, const Match& b) {
    if (a.score != b.score) return is_distance(metric) ? a.score < b.score : a.score > b.score;
    return a.index < b.index;
  };
  // A heap with the worst of the best in front: a score that is no better is dropped at once.
  size_t kept = 0;
  const auto heap = [&] { return best.first(kept); };
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (vectors[i] == nullptr) continue;
    const Match match{static_cast<uint32_t>(i), score({vectors[i], query.size()})};
    if (std::isnan(match.score)) continue;
    if (kept == best.size()) {
      if (!better(match, best.front())) continue;
      std::pop_heap(heap().begin(), heap().end(), better);
      best[kept - 1] = match;
    } else {
      best[kept++] = match;
    }
    std::push_heap(heap().begin(), heap().end(), better);
  }
  std::sort_heap(heap().begin(), heap().end(), better);
  return kept;
}

}  // namespace lugger
