#include "vector/exact_search.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "vector/products.hpp"
#include "vector/top_k.hpp"

using namespace lugger;

namespace {

/// Numbers of both signs; `coarse`: few values, so that many scores are equal.
std::vector<float> numbers(size_t count, uint32_t seed, bool coarse, float scale = 1) {
  std::vector<float> out(count);
  for (float& number : out) {
    seed = seed * 1664525 + 1013904223;
    const auto value = static_cast<float>(static_cast<int32_t>(seed)) / 2147483648.0F;
    number = scale * (coarse ? std::nearbyint(value * 2) : value);
  }
  return out;
}

std::vector<Match> one_by_one(Floats rows, Floats query, Metric metric, size_t k) {
  std::vector<const float*> pointers;
  for (size_t i = 0; i < rows.size(); i += query.size()) pointers.push_back(rows.data() + i);
  std::vector<Match> out(k);
  out.resize(top_k(pointers, query, metric, out));
  return out;
}

void check_same(const std::vector<std::vector<Match>>& found, Floats rows, Floats queries,
                size_t dimensions, Metric metric, size_t k) {
  REQUIRE(found.size() == queries.size() / dimensions);
  for (size_t i = 0; i < found.size(); ++i) {
    const std::vector<Match> wanted =
        one_by_one(rows, queries.subspan(i * dimensions, dimensions), metric, k);
    REQUIRE(found[i].size() == wanted.size());
    for (size_t m = 0; m < wanted.size(); ++m) {
      REQUIRE(found[i][m].index == wanted[m].index);
      REQUIRE(found[i][m].score == wanted[m].score);
    }
  }
}

constexpr Metric kMetrics[] = {Metric::kCosine, Metric::kDot,     Metric::kL2,
                               Metric::kL1,     Metric::kHamming, Metric::kJaccard};

}  // namespace

TEST_CASE("exact search finds what one look at every vector finds, to the last bit") {
  for (const size_t dimensions : {1, 3, 16, 33, 100}) {
    for (const size_t query_count : {1, 3, 4, 7, 25}) {
      for (const bool coarse : {false, true}) {
        const std::vector<float> rows = numbers(211 * dimensions, 5, coarse),
                                 queries = numbers(query_count * dimensions, 9, coarse);
        for (const Metric metric : kMetrics) {
          INFO(dimensions << " dimensions, " << query_count << " queries, metric "
                          << static_cast<int>(metric) << (coarse ? ", coarse" : ""));
          ExactSearch search(queries, dimensions, metric, 10);
          const Floats all(rows);
          search.add(all.first(50 * dimensions), 0);
          search.add(all.subspan(50 * dimensions), 50);
          check_same(search.found(), rows, queries, dimensions, metric, 10);
        }
      }
    }
  }
}

TEST_CASE("exact search of long vectors, with every number of queries left over") {
  for (const size_t dimensions : {500, 512, 517, 1040}) {
    for (size_t query_count = 4; query_count <= 13; ++query_count) {
      const std::vector<float> rows = numbers(131 * dimensions, 11, false),
                               queries = numbers(query_count * dimensions, 12, false);
      for (const Metric metric : {Metric::kCosine, Metric::kDot, Metric::kL2}) {
        INFO(dimensions << " dimensions, " << query_count << " queries, metric "
                        << static_cast<int>(metric));
        ExactSearch search(queries, dimensions, metric, 5);
        search.add(rows, 0);
        check_same(search.found(), rows, queries, dimensions, metric, 5);
      }
    }
  }
}

TEST_CASE("rough products are as near as they say, whatever is left over") {
  for (const size_t dimensions : {1, 5, 16, 100, 512, 530, 1536}) {
    for (const size_t row_count : {1, 3, 4, 7, 48, 50}) {
      const size_t query_count = 1 + (row_count + dimensions) % 13;
      const std::vector<float> rows = numbers(row_count * dimensions, 21, false),
                               queries = numbers(query_count * dimensions, 22, false);
      std::vector<float> out(row_count * query_count + 1, 77);
      rough_products(rows.data(), row_count, queries.data(), query_count, dimensions, out.data());
      REQUIRE(out.back() == 77);
      for (size_t r = 0; r < row_count; ++r) {
        for (size_t q = 0; q < query_count; ++q) {
          const Floats row = Floats(rows).subspan(r * dimensions, dimensions),
                       query = Floats(queries).subspan(q * dimensions, dimensions);
          const double allowed = rough_error(dimensions) * norm(row) * norm(query);
          const auto rough = static_cast<double>(out[r * query_count + q]);
          REQUIRE(std::fabs(rough - dot(row, query)) <= allowed);
        }
      }
    }
  }
}

TEST_CASE("exact search in parts, merged in another order") {
  const std::vector<float> rows = numbers(300 * 24, 1, true), queries = numbers(6 * 24, 2, true);
  const Floats all(rows);
  for (const Metric metric : kMetrics) {
    ExactSearch first(queries, 24, metric, 7), second(queries, 24, metric, 7);
    first.add(all.subspan(150 * 24), 150);
    second.add(all.first(150 * 24), 0);
    first.merge(second);
    check_same(first.found(), rows, queries, 24, metric, 7);
  }
}

TEST_CASE(
    "exact search among vectors that floats cannot multiply, and among ones that are broken") {
  const size_t dimensions = 40;
  for (const float scale : {1e-30F, 1e-22F, 1e18F, 1e30F, 3e38F}) {
    std::vector<float> rows = numbers(200 * dimensions, 3, false, scale);
    const std::vector<float> queries = numbers(8 * dimensions, 4, false, scale);
    rows[5 * dimensions] = std::numeric_limits<float>::quiet_NaN();
    rows[6 * dimensions + 1] = std::numeric_limits<float>::infinity();
    rows[7 * dimensions + 2] = -std::numeric_limits<float>::infinity();
    std::fill_n(rows.begin() + 8 * dimensions, dimensions, 0.0F);
    for (const Metric metric : kMetrics) {
      INFO("scale " << static_cast<double>(scale) << ", metric " << static_cast<int>(metric));
      ExactSearch search(queries, dimensions, metric, 12);
      search.add(rows, 0);
      check_same(search.found(), rows, queries, dimensions, metric, 12);
    }
  }
}

TEST_CASE("exact search: fewer vectors than k, and none") {
  const std::vector<float> rows = numbers(3 * 8, 6, false), queries = numbers(5 * 8, 7, false);
  ExactSearch search(queries, 8, Metric::kCosine, 10);
  CHECK(search.found()[0].empty());
  search.add(rows, 0);
  check_same(search.found(), rows, queries, 8, Metric::kCosine, 10);
}
