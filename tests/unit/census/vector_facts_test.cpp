#include "census/vector_facts.hpp"

#include <array>
#include <limits>

#include "catch.hpp"

namespace lugger::test {
namespace {

/// Spread over all 64 bits.
uint64_t hash_number(uint64_t number) {
  number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9ULL;
  number = (number ^ number >> 27) * 0x94d049bb133111ebULL;
  return number ^ number >> 31;
}

CensusExample named(const char* id) { return {0, id}; }

}  // namespace

TEST_CASE("S1-14 duplicates, zeros and NaN among vectors are counted and named") {
  VectorFacts facts;
  const auto add = [&](const char* id, std::initializer_list<float> numbers) {
    const std::vector<float> vector(numbers);
    facts.add(vector, [&] { return named(id); });
  };
  add("a", {1, 2});
  add("b", {2, 1});
  add("c", {1, 2});
  add("d", {0, 0, 0});
  add("e", {std::numeric_limits<float>::quiet_NaN(), 0});
  add("f", {1, 2});
  add("g", {-std::numeric_limits<float>::infinity(), 3.4e38F});
  add("h", {3.4e38F, 3.4e38F});
  CHECK(facts.values == 8);
  CHECK(facts.least == 2);
  CHECK(facts.greatest == 3);
  CHECK(facts.exact());
  CHECK(facts.zeros.count == 1);
  CHECK(facts.zeros.examples.at(0).id == "d");
  CHECK(facts.non_finite.count == 2);
  CHECK(facts.duplicates.count == 2);
  REQUIRE(facts.duplicates.examples.size() == 2);
  CHECK(facts.duplicates.examples[1].id == "f");

  VectorFacts other;
  const std::array<float, 2> again{2, 1};
  other.add(again, [] { return named("x"); });
  other.add(again, [] { return named("y"); });
  facts.merge(other);
  CHECK(facts.duplicates.count == 4);
  CHECK(facts.duplicates.examples.back().id == "y");
}

TEST_CASE("duplicates beyond what is remembered are estimated") {
  constexpr uint64_t kMany = 3 * HashSample::kMost;
  HashSample sample, second;
  uint64_t repeated = 0;
  for (uint64_t i = 0; i < kMany; ++i) repeated += sample.add(hash_number(i));
  CHECK(repeated == 0);
  CHECK(!sample.exact());
  for (uint64_t i = 0; i < kMany / 2; ++i) repeated += sample.add(hash_number(i));
  const auto near = [](uint64_t found, uint64_t wanted) {
    const double share = static_cast<double>(found) / static_cast<double>(wanted);
    return share > 0.98 && share < 1.02;
  };
  CHECK(near(repeated, kMany / 2));
  for (uint64_t i = 0; i < 100'000; ++i) second.add(hash_number(i));
  CHECK(second.exact());
  CHECK(near(second.merge(sample), 100'000));
}

}  // namespace lugger::test
