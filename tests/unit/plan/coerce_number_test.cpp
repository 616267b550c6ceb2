#include <cmath>
#include <random>

#include "plan/coerce_support.hpp"
#include "value/decimal.hpp"

using namespace lugger;
using lugger::test::Bench;

TEST_CASE("S0-44 S0-45 numbers as strings are read strictly") {
  Bench numeric("numeric"), integer("int4");
  CHECK(numeric.text("9.99") == "9.99");
  CHECK(numeric.number(9.99) == "9.99");
  CHECK(numeric.text("12abc") == "<bad_value>");
  CHECK(integer.text("12abc") == "<bad_value>");
  CHECK(integer.text(" 12 ") == "12");
  CHECK(integer.text("12.0") == "12");
  CHECK(integer.text("12.5") == "<inexact>");
  CHECK(integer.text("") == "<bad_value>");
  CHECK(numeric.text("1.234,50") == "<bad_value>");
  CoercePolicy german;
  german.number = {',', '.'};
  Bench price("numeric(12,2)", german);
  CHECK(price.text("1.234,50") == "1234.50");
  CHECK(price.text("9,99") == "9.99");
  CHECK(price.text("1.2345") == "<bad_value>");
}

TEST_CASE("integers are exact or refused") {
  Bench small("int2"), normal("int4"), big("int8");
  CHECK(small.integer(32767) == "32767");
  CHECK(small.integer(32768) == "<out_of_range>");
  CHECK(normal.number(2147483647.0) == "2147483647");
  CHECK(normal.number(2147483648.0) == "<out_of_range>");
  CHECK(normal.number(1.5) == "<inexact>");
  CHECK(big.number(9223372036854775808.0) == "<out_of_range>");
  CHECK(big.number(-9223372036854775808.0) == "-9223372036854775808");
  CHECK(big.json(R"({"$numberDecimal": "1E+3"})") == "1000");
  CHECK(big.json(R"({"$numberDecimal": "1.5"})") == "<inexact>");
  CHECK(big.number(std::nan("")) == "<non_finite>");
  CHECK(big.json("true") == "<wrong_type>");
  CHECK(big.json(R"({"$date": {"$numberLong": "1"}})") == "<wrong_type>");
  CHECK(big.json("null") == "NULL");
  CHECK(big({}) == "NULL");
}

TEST_CASE("fractions and infinities go by policy") {
  CoercePolicy policy;
  policy.fraction = CoercePolicy::Fraction::kRound;
  policy.non_finite = CoercePolicy::NonFinite::kNull;
  Bench rounds("int4", policy), money("numeric(5,2)", policy);
  CHECK(rounds.number(2.5) == "3");
  CHECK(rounds.number(-2.5) == "-3");
  CHECK(rounds.text("2.49") == "2");
  CHECK(rounds.number(HUGE_VAL) == "NULL");
  CHECK(money.text("1.005") == "1.01");
  CHECK(money.text("999.995") == "<out_of_range>");
  policy.fraction = CoercePolicy::Fraction::kTruncate;
  policy.non_finite = CoercePolicy::NonFinite::kKeep;
  Bench truncates("int4", policy), keeps("numeric", policy), bounded("numeric(5,2)", policy),
      real("float8", policy);
  CHECK(truncates.number(-2.9) == "-2");
  CHECK(truncates.number(std::nan("")) == "<non_finite>");
  CHECK(keeps.number(std::nan("")) == "NaN");
  CHECK(keeps.number(-HUGE_VAL) == "-Infinity");
  CHECK(bounded.number(HUGE_VAL) == "<non_finite>");
  CHECK(bounded.number(std::nan("")) == "NaN");
  CHECK(real.text("inf") == "Infinity");
  CHECK(Bench("float8").number(std::nan("")) == "<non_finite>");
}

TEST_CASE("numeric(p,s) keeps what fits and refuses what would be lost") {
  Bench money("numeric(12,2)");
  CHECK(money.number(9.99) == "9.99");
  CHECK(money.integer(7) == "7.00");
  CHECK(money.hex() == "00010000000000020007");
  CHECK(money.text("9.990000") == "9.99");
  CHECK(money.text("9.999") == "<inexact>");
  CHECK(money.integer(9999999999) == "9999999999.00");
  CHECK(money.integer(10000000000) == "<out_of_range>");
  CHECK(money.integer(-10000000000) == "<out_of_range>");
  CHECK(money.json(R"({"$numberDecimal": "1E+3"})") == "1000.00");
  CHECK(Bench("numeric(3,-2)").integer(12300) == "12300");
  CHECK(Bench("numeric(3,-2)").integer(12345) == "<inexact>");
  CHECK(Bench("numeric(2,4)").text("0.0099") == "0.0099");
  CHECK(Bench("numeric").json(R"({"$numberDecimal": "9999999999999999999999999999999999"})") ==
        "9999999999999999999999999999999999");
  CHECK(Bench("numeric").json(R"({"$numberDecimal": "1E-6176"})").size() == 6178);
}

TEST_CASE("int64 to numeric is exact, whatever the digits") {
  Bench numeric("numeric"), bounded("numeric(20,1)");
  std::mt19937_64 random(3);
  for (int i = 0; i < 5000; ++i) {
    const auto value = static_cast<int64_t>(random()) >> (random() % 64);
    REQUIRE(numeric.integer(value) == std::to_string(value));
    REQUIRE(bounded.integer(value) == std::to_string(value) + ".0");
  }
}

TEST_CASE("floats: what would change is refused, float4 rounds") {
  Bench real("float8"), single("float4");
  CHECK(real.integer(9007199254740992) == "9007199254740992");
  CHECK(real.integer(9007199254740993) == "<inexact>");
  CHECK(real.integer(INT64_MAX) == "<inexact>");
  CHECK(real.text("0.1") == "0.1");
  CHECK(real.text("0.12345678901234567890") == "<inexact>");
  CHECK(real.text("1e400") == "<out_of_range>");
  CHECK(real.json(R"({"$numberDecimal": "1E-400"})") == "<out_of_range>");
  CHECK(real.text("0.1000000000000000055511151231257827021181583404541015625") == "0.1");
  CHECK(single.number(0.1) == "0.1");
  CHECK(single.number(1e39) == "<out_of_range>");
  CHECK(single.integer(16777217) == "<inexact>");
  std::mt19937_64 random(5);
  for (int i = 0; i < 5000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    REQUIRE(real.number(value) == double_text(value));
    REQUIRE(std::bit_cast<uint64_t>(real.value().f64) == std::bit_cast<uint64_t>(value));
    REQUIRE(real.text(double_text(value)) == double_text(value));
  }
}

TEST_CASE("bool takes 0 and 1 and the usual words") {
  Bench flag("bool");
  CHECK(flag.json("true") == "true");
  CHECK(flag.integer(0) == "false");
  CHECK(flag.number(1.0) == "true");
  CHECK(flag.integer(2) == "<out_of_range>");
  CHECK(flag.number(0.5) == "<out_of_range>");
  CHECK(flag.text("Yes") == "true");
  CHECK(flag.text("off") == "false");
  CHECK(flag.text("maybe") == "<bad_value>");
  CHECK(flag.text(" yes\n") == "true");
  CHECK(flag.text("y es") == "<bad_value>");
  CHECK(flag.text(" ") == "<bad_value>");
  CHECK(flag.json("{}") == "<wrong_type>");
}

TEST_CASE("strict columns take their own family only; empty text may read as null") {
  CoercePolicy strict;
  strict.strict = true;
  CHECK(Bench("int4", strict).text("1") == "<wrong_type>");
  CHECK(Bench("int4", strict).number(1.0) == "1");
  CHECK(Bench("bool", strict).integer(1) == "<wrong_type>");
  CHECK(Bench("text", strict).integer(1) == "<wrong_type>");
  CHECK(Bench("timestamptz", strict).text("2026-01-01") == "<wrong_type>");
  CoercePolicy empty;
  empty.empty_null = true;
  empty.trim = true;
  for (const std::string_view type :
       {"int4", "numeric", "float8", "bool", "text", "uuid", "date", "time", "timestamptz",
        "interval", "bytea", "jsonb", "vector", "bit(2)", "sparsevec"})
    CHECK(Bench(type, empty).text("  ") == "NULL");
  empty.strict = true;
  for (const std::string_view type :
       {"int4", "numeric", "float8", "bool", "text", "uuid", "date", "timestamptz", "vector"})
    CHECK(Bench(type, empty).text("  ") == "NULL");
  CHECK(Bench("int4", empty).text("1") == "<wrong_type>");
}
