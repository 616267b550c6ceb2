#include "vector/exact_search.hpp"

#include <algorithm>
#include <cmath>

#include "vector/products.hpp"
#include "vector/top_k.hpp"

namespace lugger {

namespace {

constexpr size_t kBlockFloats = 64 << 10;  // vectors that stay in the cache while all queries pass
constexpr size_t kFewQueries = 4;          // below, memory is what the search waits for
constexpr double kFloatsEnd = 1e37;        // where products in float may overflow
constexpr double kSlack = 1e-12;           // of what is computed in double

bool has_products(Metric metric) noexcept {
  return metric == Metric::kCosine || metric == Metric::kDot || metric == Metric::kL2;
}

}  // namespace

ExactSearch::ExactSearch(Floats queries, size_t dimensions, Metric metric, size_t k)
    : dimensions_(dimensions),
      k_(k),
      metric_(metric),
      error_(rough_error(dimensions)),
      numbers_(queries.begin(), queries.end()),
      queries_(dimensions == 0 ? 0 : queries.size() / dimensions),
      matches_(queries_.size() * k) {
  for (size_t i = 0; i < queries_.size(); ++i) {
    queries_[i].squared = dot(at(numbers_, i), at(numbers_, i));
    queries_[i].length = std::sqrt(queries_[i].squared);
  }
}

void ExactSearch::add(Floats vectors, uint32_t first) {
  const size_t count = dimensions_ == 0 ? 0 : vectors.size() / dimensions_;
  if (queries_.size() < kFewQueries || !has_products(metric_)) {
    for (size_t i = 0; i < count; ++i)
      for (size_t query = 0; query < queries_.size(); ++query)
        score_one(at(vectors, i), first + static_cast<uint32_t>(i), query);
    return;
  }
  const size_t block = std::max<size_t>(kBlockFloats / dimensions_, 12);
  for (size_t i = 0; i < count; i += block) {
    const size_t some = std::min(block, count - i);
    add_block(vectors.subspan(i * dimensions_, some * dimensions_),
              first + static_cast<uint32_t>(i));
  }
}

void ExactSearch::add_block(Floats vectors, uint32_t first) {
  const size_t count = vectors.size() / dimensions_;
  rough_.resize(count * queries_.size());
  rough_products(vectors.data(), count, numbers_.data(), queries_.size(), dimensions_,
                 rough_.data());
  for (size_t i = 0; i < count; ++i) {
    const Floats vector = at(vectors, i);
    const double squared = dot(vector, vector), length = std::sqrt(squared);
    for (size_t query = 0; query < queries_.size(); ++query) {
      if (may_be_among(query, rough_[i * queries_.size() + query], squared, length))
        score_one(vector, first + static_cast<uint32_t>(i), query);
    }
  }
}

/// False only if the true score cannot be among the best. NaN and what overflowed may be.
bool ExactSearch::may_be_among(size_t query, float rough, double squared,
                               double length) const noexcept {
  const Query& of = queries_[query];
  if (of.kept < k_) return true;
  const double scale = length * of.length;
  if (!(scale < kFloatsEnd)) return true;
  const double worst = matches_[query * k_].score;
  // What is smaller than the smallest float is lost in each product.
  const double error = error_ * scale + static_cast<double>(dimensions_) * 0x1p-148;
  const double most = static_cast<double>(rough) + error;
  if (metric_ == Metric::kDot) return !(most < worst);
  if (metric_ == Metric::kCosine) return !(most < (worst - kSlack) * scale);
  const double both = squared + of.squared;
  return !(both - 2 * most > worst * worst + kSlack * both);
}

void ExactSearch::score_one(Floats vector, uint32_t index, size_t query) {
  Query& of = queries_[query];
  Best best(room(query), metric_, of.kept);
  best.offer({index, score(vector, at(numbers_, query), of.squared, metric_)});
  of.kept = best.kept();
}

void ExactSearch::merge(const ExactSearch& other) {
  for (size_t query = 0; query < queries_.size(); ++query) {
    Best best(room(query), metric_, queries_[query].kept);
    for (size_t i = 0; i < other.queries_[query].kept; ++i)
      best.offer(other.matches_[query * k_ + i]);
    queries_[query].kept = best.kept();
  }
}

std::vector<std::vector<Match>> ExactSearch::found() const {
  std::vector<std::vector<Match>> out;
  for (size_t query = 0; query < queries_.size(); ++query) {
    const auto begin = matches_.begin() + static_cast<ptrdiff_t>(query * k_);
    std::vector<Match>& of =
        out.emplace_back(begin, begin + static_cast<ptrdiff_t>(queries_[query].kept));
    Best(of, metric_, of.size()).sort();
  }
  return out;
}

}  // namespace lugger
