#include "vector/exact_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "vector/products.hpp"
#include "vector/top_k.hpp"

namespace lugger {

namespace {

constexpr size_t kBlockFloats = 64 << 10;  // vectors that stay in the cache while all queries pass
constexpr size_t kFewQueries = 4;          // below, memory is what the search waits for
constexpr double kLongest = 1e18;          // products in float of longer vectors may overflow
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
      matches_(queries_.size() * k),
      base_(queries_.size()),
      slope_(queries_.size()),
      near_(queries_.size()) {
  for (size_t i = 0; i < queries_.size(); ++i) {
    queries_[i].squared = dot(at(numbers_, i), at(numbers_, i));
    queries_[i].length = std::sqrt(queries_[i].squared);
    set_floor(i);
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
  const size_t block = std::max<size_t>(kBlockFloats / dimensions_ / 12 * 12, 12);
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
    const ProductFloors floors{base_.data(), slope_.data(), queries_.size()};
    const double extra = metric_ == Metric::kL2 ? squared * (1 - kSlack) / 2 : 0;
    const bool comparable = length < kLongest;
    const size_t near = products_not_below(
        floors, rough_.data() + i * queries_.size(),
        comparable ? length : std::numeric_limits<double>::quiet_NaN(), extra, near_.data());
    for (size_t n = 0; n < near; ++n) score_one(vector, first + static_cast<uint32_t>(i), near_[n]);
  }
}

/// Which rough product a vector needs to be looked at. False alarms are scored for nothing; NaN and
/// what may have overflowed always are.
void ExactSearch::set_floor(size_t query) noexcept {
  const Query& of = queries_[query];
  base_[query] = -std::numeric_limits<double>::infinity();
  slope_[query] = 0;
  if (of.kept < k_) return;
  if (!(of.length < kLongest)) {
    base_[query] = std::numeric_limits<double>::quiet_NaN();
    return;
  }
  const double worst = matches_[query * k_].score;
  // What is smaller than the smallest float is lost in each product.
  const double lost = static_cast<double>(dimensions_) * 0x1p-148;
  if (metric_ == Metric::kCosine) {
    base_[query] = -lost;
    slope_[query] = (worst - kSlack - error_) * of.length;
    return;
  }
  const double needed =
      metric_ == Metric::kDot ? worst : (of.squared * (1 - kSlack) - worst * worst) / 2;
  base_[query] = needed - lost;
  slope_[query] = -error_ * of.length;
}

void ExactSearch::score_one(Floats vector, uint32_t index, size_t query) {
  Query& of = queries_[query];
  Best best(room(query), metric_, of.kept);
  best.offer({index, score(vector, at(numbers_, query), of.squared, metric_)});
  of.kept = best.kept();
  set_floor(query);
}

void ExactSearch::merge(const ExactSearch& other) {
  for (size_t query = 0; query < queries_.size(); ++query) {
    Best best(room(query), metric_, queries_[query].kept);
    for (size_t i = 0; i < other.queries_[query].kept; ++i)
      best.offer(other.matches_[query * k_ + i]);
    queries_[query].kept = best.kept();
    set_floor(query);
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
