// Measures the answers of two sides.
#pragma once
#include "place/search.hpp"
#include "verify/verdict.hpp"

namespace lugger {

/// What one side says to one query.
struct SideAnswer {
  std::vector<Hit> exact;  // its exact neighbours, best first: more than k, where there are
  std::vector<Hit> hits;   // of its search; of a side without one, its exact neighbours
};

class RecallScore {
 public:
  RecallScore(RecallVerdict& verdict, Metric metric) : verdict_(verdict), metric_(metric) {}
  void add(std::string query, std::string filter, const SideAnswer& source,
           const SideAnswer& target);
  /// After the last query.
  void end();

 private:
  double measure(const SideAnswer& answer, RecallSide& side) const;
  void compare_exact(const SideAnswer& source, const SideAnswer& target);

  RecallVerdict& verdict_;
  const Metric metric_;
  std::vector<RecallQuery> worst_of_source_;
  double ranks_ = 0, exact_ = 0, delta_sum_ = 0;
  uint64_t ranked_ = 0, deltas_ = 0;
};

}  // namespace lugger
