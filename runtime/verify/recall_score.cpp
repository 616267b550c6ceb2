#include "verify/recall_score.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace lugger {

namespace {

constexpr size_t kWorstShown = 5;
// Stores compute in float: scores this close are one rank to them.
constexpr double kSameScore = 1e-6;

using Places = std::unordered_map<std::string_view, size_t>;

Places places_of(const std::vector<Hit>& hits, size_t most) {
  Places out;
  for (size_t i = 0; i < std::min(most, hits.size()); ++i) out.try_emplace(hits[i].key, i);
  return out;
}

void keep_worst(std::vector<RecallQuery>& worst, const RecallQuery& query,
                double RecallQuery::*side) {
  worst.push_back(query);
  std::ranges::stable_sort(worst, {}, side);
  if (worst.size() > kWorstShown) worst.pop_back();
}

/// Whether the order of two hits is chance.
bool tied(double a, double b) noexcept {
  return std::abs(a - b) <= kSameScore * std::max({1.0, std::abs(a), std::abs(b)});
}

/// The share of the hits that the other list has too; both are empty: all of them.
double overlap(const std::vector<Hit>& a, const std::vector<Hit>& b, size_t k) {
  const Places left = places_of(a, k), right = places_of(b, k);
  const size_t most = std::max(left.size(), right.size());
  if (most == 0) return 1;
  const auto common =
      std::ranges::count_if(left, [&](const auto& hit) { return right.contains(hit.first); });
  return static_cast<double>(common) / static_cast<double>(most);
}

/// The same of exact neighbours: of those that tie with the other list's k-th, any is one of its.
double exact_overlap(const std::vector<Hit>& a, const std::vector<Hit>& b, size_t k) {
  const size_t left = std::min(a.size(), k), right = std::min(b.size(), k);
  const size_t most = std::max(left, right);
  if (most == 0) return 1;
  const Places places = places_of(b, k);
  size_t common = 0;
  for (size_t i = 0; i < left; ++i)
    common += places.contains(a[i].key) || (right == k && tied(a[i].score, b[k - 1].score)) ? 1 : 0;
  return static_cast<double>(common) / static_cast<double>(most);
}

/// Kendall's tau: of all pairs of common hits, those in the same order less the others, over all;
/// without pairs that tie. nullopt: there is no such pair.
std::optional<double> kendall(const std::vector<Hit>& a, const std::vector<Hit>& b, size_t k) {
  const Places places = places_of(b, k);
  std::vector<std::pair<double, size_t>> order;  // score, and place in the other list
  for (size_t i = 0; i < std::min(k, a.size()); ++i) {
    const auto found = places.find(a[i].key);
    if (found != places.end()) order.emplace_back(a[i].score, found->second);
  }
  double sum = 0, pairs = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    for (size_t j = i + 1; j < order.size(); ++j) {
      if (tied(order[i].first, order[j].first)) continue;
      sum += order[i].second < order[j].second ? 1 : -1, ++pairs;
    }
  }
  if (pairs == 0) return std::nullopt;
  return sum / pairs;
}

}  // namespace

/// A hit is right when it is one of the k exact neighbours, or as near as the k-th.
double RecallScore::measure(const SideAnswer& answer, RecallSide& side) const {
  const size_t k = std::min(verdict_.k, answer.exact.size());
  side.wanted += k;
  side.returned += std::min(answer.hits.size(), k);
  side.short_answers += answer.hits.size() < k ? 1 : 0;
  if (k == 0) return 1;
  const Places exact = places_of(answer.exact, answer.exact.size());
  const double last = answer.exact[k - 1].score;
  const double margin = kSameScore * std::max(1.0, std::abs(last));
  size_t right = 0;
  Places counted;
  for (const Hit& hit : answer.hits) {
    if (right == k || !counted.try_emplace(hit.key, 0).second) continue;
    const auto found = exact.find(hit.key);
    const bool among = found != exact.end() && found->second < k;
    const double score = found != exact.end() ? answer.exact[found->second].score : hit.score;
    const bool near = is_distance(metric_) ? score <= last + margin : score >= last - margin;
    right += among || near ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(k);
}

void RecallScore::compare_exact(const SideAnswer& source, const SideAnswer& target) {
  exact_ += exact_overlap(source.exact, target.exact, verdict_.k);
  const Places places = places_of(target.exact, target.exact.size());
  for (const Hit& hit : source.exact) {
    const auto found = places.find(hit.key);
    if (found == places.end()) continue;
    const double delta = std::abs(hit.score - target.exact[found->second].score);
    verdict_.largest_score_delta = std::max(verdict_.largest_score_delta, delta);
    delta_sum_ += delta;
    ++deltas_;
  }
}

void RecallScore::add(std::string query, std::string filter, const SideAnswer& source,
                      const SideAnswer& target) {
  if (source.exact.empty() && target.exact.empty()) {
    ++verdict_.nothing_to_find;
    return;
  }
  RecallQuery out;
  out.query = std::move(query), out.filter = std::move(filter);
  out.source = measure(source, verdict_.source), out.target = measure(target, verdict_.target);
  out.overlap = overlap(source.hits, target.hits, verdict_.k);
  out.source_hits = source.hits.size(), out.target_hits = target.hits.size();
  const bool first = verdict_.queries_tested++ == 0;
  for (const auto& [side, recall] :
       {std::pair(&verdict_.source, out.source), std::pair(&verdict_.target, out.target)}) {
    side->recall += recall;
    side->worst = first ? recall : std::min(side->worst, recall);
  }
  verdict_.avg_result_overlap += out.overlap;
  verdict_.perfect_matches += out.overlap == 1 ? 1 : 0;
  if (const std::optional<double> tau = kendall(source.hits, target.hits, verdict_.k)) {
    ranks_ += *tau;
    ++ranked_;
  }
  compare_exact(source, target);
  keep_worst(verdict_.worst, out, &RecallQuery::target);
  if (out.source < 1) keep_worst(worst_of_source_, out, &RecallQuery::source);
}

/// A query that both sides answer badly is listed once.
void RecallScore::end() {
  for (RecallQuery& query : worst_of_source_) {
    const auto same = [&](const RecallQuery& other) {
      return other.query == query.query && other.filter == query.filter;
    };
    if (std::ranges::none_of(verdict_.worst, same)) verdict_.worst.push_back(std::move(query));
  }
  std::erase_if(verdict_.worst, [](const RecallQuery& query) {
    return query.target == 1 && query.source == 1 && query.overlap == 1;
  });
  if (verdict_.queries_tested == 0) return;
  const auto queries = static_cast<double>(verdict_.queries_tested);
  verdict_.source.recall /= queries, verdict_.target.recall /= queries;
  verdict_.avg_result_overlap /= queries;
  verdict_.exact_overlap = exact_ / queries;
  if (ranked_ != 0) verdict_.rank_agreement = ranks_ / static_cast<double>(ranked_);
  verdict_.mean_score_delta = deltas_ == 0 ? 0 : delta_sum_ / static_cast<double>(deltas_);
}

}  // namespace lugger
