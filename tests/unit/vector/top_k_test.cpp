#include "vector/top_k.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"

using namespace lugger;

namespace {

struct Set {
  std::vector<std::vector<float>> vectors;
  std::vector<Match> best(std::vector<float> query, Metric metric, size_t k) const {
    std::vector<const float*> pointers;
    for (const auto& v : vectors) pointers.push_back(v.empty() ? nullptr : v.data());
    std::vector<Match> out(k);
    out.resize(top_k(pointers, query, metric, out));
    return out;
  }
};

std::vector<uint32_t> places(const std::vector<Match>& matches) {
  std::vector<uint32_t> out;
  for (const Match& match : matches) out.push_back(match.index);
  return out;
}

using Places = std::vector<uint32_t>;

}  // namespace

TEST_CASE("the best by each metric, best first") {
  const Set set{{{1, 0}, {0, 1}, {10, 10}, {-1, 0}, {2, 0.1F}}};
  CHECK(places(set.best({1, 0}, Metric::kCosine, 3)) == Places{0, 4, 2});
  CHECK(places(set.best({1, 0}, Metric::kDot, 3)) == Places{2, 4, 0});
  const std::vector<Match> near = set.best({1, 0}, Metric::kL2, 3);
  CHECK(places(near) == Places{0, 4, 1});
  CHECK(near[0].score == 0);
  CHECK(near[2].score == Approx(std::sqrt(2.0)));
}

TEST_CASE("holes, NaN and zeros are left out; equal scores keep their order") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Set set{{{}, {nan, 1}, {0, 0}, {1, 1}, {2, 2}, {3, 3}}};
  CHECK(places(set.best({1, 1}, Metric::kCosine, 10)) == Places{3, 4, 5});
  CHECK(places(set.best({1, 1}, Metric::kCosine, 2)) == Places{3, 4});
  CHECK(places(set.best({1, 1}, Metric::kDot, 10)) == Places{5, 4, 3, 2});
  CHECK(set.best({0, 0}, Metric::kCosine, 10).empty());
  CHECK(set.best({nan, 0}, Metric::kL2, 10).empty());
  CHECK(set.best({1, 1}, Metric::kDot, 0).empty());
  CHECK(Set{}.best({1, 1}, Metric::kDot, 3).empty());
}

TEST_CASE("the bounded heap keeps what sorting all would") {
  Set set;
  uint32_t seed = 5;
  for (int i = 0; i < 500; ++i) {
    std::vector<float> v(7);
    for (float& number : v) {
      seed = seed * 1664525 + 1013904223;
      number = static_cast<float>(seed >> 28);  // few values: many scores are equal
    }
    set.vectors.push_back(std::move(v));
  }
  const std::vector<float> query = {1, 2, 3, 4, 5, 6, 7};
  for (const Metric metric : {Metric::kCosine, Metric::kDot, Metric::kL2}) {
    const std::vector<Match> all = set.best(query, metric, 500);
    REQUIRE(std::is_sorted(all.begin(), all.end(), [&](const Match& a, const Match& b) {
      if (a.score != b.score) return metric == Metric::kL2 ? a.score < b.score : a.score > b.score;
      return a.index < b.index;
    }));
    for (const size_t k : {1, 2, 10, 499}) {
      const Places wanted = places(all);
      CHECK(places(set.best(query, metric, k)) ==
            Places(wanted.begin(), wanted.begin() + static_cast<ptrdiff_t>(k)));
    }
  }
}
