// What a sample proves.
#include "verify/sample.hpp"

#include <cmath>

#include "base/error.hpp"
#include "catch.hpp"

using namespace lugger;

TEST_CASE("S0-61 the share that a sample rules out is that of the formula") {
  for (const uint64_t rows : {1U, 10U, 4603U, 12000U, 1000000U}) {
    const double share = ruled_out_share(rows, 0.99);
    CHECK(std::abs(std::pow(1 - share, static_cast<double>(rows)) - 0.01) < 1e-9);
  }
  CHECK(ruled_out_share(0, 0.99) == 1);
}

TEST_CASE("S0-61 a confidence asks for the rows that it needs") {
  CHECK(sample_rows(0.99) == 4603);
  CHECK(sample_rows(0.95) == 2995);
  CHECK(sample_rows(500) == 500);
  CHECK_THROWS_AS(sample_rows(-1), Error);
}

TEST_CASE("S0-61 a sample says what it proves") {
  CHECK(sample_words(12000, 1000000, 0, 12000) ==
        "12,000 of 1,000,000 rows equal: with 99 % confidence fewer than 0.039 % of all differ");
  CHECK(sample_words(10, 10, 0, 0.99) == "all 10 rows equal");
  CHECK(sample_words(10, 100, 3, 0.99) ==
        "3 of 10 rows that were looked at are wrong; 100 rows in all");
}
