// The k nearest of many vectors for many queries, by exact search in one pass over the vectors.
#pragma once
#include <vector>

#include "vector/best.hpp"
#include "vector/kernels.hpp"

namespace lugger {

/// Scores are those of top_k(), to the last bit. With more than a few queries, products in float
/// say which vectors cannot be among the best, and only the others are scored. One thread; others
/// have searches of their own, which are merged. Memory: the queries, and k matches for each.
class ExactSearch {
 public:
  /// `queries`: one behind another, `dimensions` floats each; k is at least 1.
  ExactSearch(Floats queries, size_t dimensions, Metric metric, size_t k);

  /// Looks at vectors, one behind another; the first of them has the index `first`.
  void add(Floats vectors, uint32_t first);
  /// Takes over what another search with the same queries found among other vectors.
  void merge(const ExactSearch& other);
  /// Calls use(index) for the matches kept now whose index is not below `first`; an index comes
  /// once for each query that keeps it.
  template <typename Use>
  void kept_from(uint32_t first, Use&& use) const {
    for (size_t query = 0; query < queries_.size(); ++query)
      for (size_t i = 0; i < queries_[query].kept; ++i)
        if (const uint32_t index = matches_[query * k_ + i].index; index >= first) use(index);
  }
  /// The matches of each query, best first.
  std::vector<std::vector<Match>> found() const;

 private:
  struct Query {
    double squared = 0, length = 0;
    size_t kept = 0;
  };
  Floats at(Floats all, size_t index) const noexcept {
    return all.subspan(index * dimensions_, dimensions_);
  }
  std::span<Match> room(size_t query) noexcept {
    return std::span(matches_).subspan(query * k_, k_);
  }
  void add_block(Floats vectors, uint32_t first);
  void score_one(Floats vector, uint32_t index, size_t query);
  void set_floor(size_t query) noexcept;

  const size_t dimensions_, k_;
  const Metric metric_;
  const double error_;  // of a rough product of vectors of length 1
  std::vector<float> numbers_;
  std::vector<Query> queries_;
  std::vector<Match> matches_;  // k for each query
  std::vector<float> rough_;
  std::vector<double> base_, slope_;  // of the products that a vector needs to be scored
  std::vector<uint32_t> near_;
};

}  // namespace lugger
