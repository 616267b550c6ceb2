#include "value/decimal.hpp"

#include <cmath>
#include <random>

#include "base/text.hpp"
#include "catch.hpp"

using namespace lugger;

namespace {

std::string numeric_hex(std::string_view text, int min_scale = 0) {
  DecimalDigits digits;
  REQUIRE(parse_decimal(text, {}, digits) == DecimalFault::kNone);
  Arena arena;
  return to_hex(decimal_to_numeric(digits, min_scale, arena));
}

DecimalFault fault_of(std::string_view text, const NumberFormat& format = {}) {
  DecimalDigits digits;
  return parse_decimal(text, format, digits);
}

std::string plain(std::string_view text, const NumberFormat& format = {}) {
  DecimalDigits digits;
  REQUIRE(parse_decimal(text, format, digits) == DecimalFault::kNone);
  ByteBuffer out;
  append_plain(digits, out);
  return std::string(out.text());
}

std::string bson_text(uint64_t high, uint64_t low) {
  uint8_t bytes[16];
  store_le(bytes, low);
  store_le(bytes + 8, high);
  return decimal128_text(bytes);
}

double from_bits(uint64_t bits) { return std::bit_cast<double>(bits); }

}  // namespace

TEST_CASE("numeric has the bytes that the server sends") {
  CHECK(numeric_hex("0") == "0000000000000000");
  CHECK(numeric_hex("0.00") == "0000000000000002");
  CHECK(numeric_hex("1") == "00010000000000000001");
  CHECK(numeric_hex("-1") == "00010000400000000001");
  CHECK(numeric_hex("10000") == "00010001000000000001");
  CHECK(numeric_hex("1234.5678") == "000200000000000404d2162e");
  CHECK(numeric_hex("0.0001") == "0001ffff000000040001");
  CHECK(numeric_hex("1e-5") == "0001fffe0000000503e8");
  CHECK(numeric_hex("NaN") == "00000000c0000000");
  CHECK(numeric_hex("Infinity") == "00000000d0000000");
  CHECK(numeric_hex("-inf") == "00000000f0000000");
  CHECK(numeric_hex("1", 2) == "00010000000000020001");
}

TEST_CASE("int64 becomes the same numeric with and without digits") {
  std::mt19937_64 random(7);
  Arena arena;
  const auto same = [&](int64_t value) {
    DecimalDigits digits;
    decimal_from_int(value, digits);
    REQUIRE(to_hex(int_to_numeric(value, 0, arena)) ==
            to_hex(decimal_to_numeric(digits, 0, arena)));
    int64_t back = 0;
    REQUIRE(decimal_to_int(digits, back) == DecimalFault::kNone);
    REQUIRE(back == value);
  };
  for (const int64_t value : {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{10000},
                              int64_t{100000000}, INT64_MAX, INT64_MIN})
    same(value);
  for (int i = 0; i < 20000; ++i) same(static_cast<int64_t>(random()) >> (random() % 64));
}

TEST_CASE("only numbers are read as numbers") {
  for (const std::string_view text : {"", " ", "12abc", "abc", "1 2", "1e", "1e+", "--1", "+-1",
                                      "0x10", ".", "-", "1..2", "1,5", "e5", "1_000", "٣"})
    CHECK(fault_of(text) == DecimalFault::kSyntax);
  CHECK(plain(" 12.50 ") == "12.50");
  CHECK(plain("+.5") == "0.5");
  CHECK(plain("5.") == "5");
  CHECK(plain("-0012.3e2") == "-1230");
  CHECK(plain("1E-3") == "0.001");
  CHECK(plain("-iNfInItY") == "-Infinity");
  CHECK(fault_of("1e131072") == DecimalFault::kOverflow);
  CHECK(fault_of("1e131071") == DecimalFault::kNone);
  CHECK(fault_of("1e-16384") == DecimalFault::kOverflow);
  CHECK(fault_of("1e99999999999999999999") == DecimalFault::kOverflow);
}

TEST_CASE("locale forms are read only when declared, and strictly") {
  const NumberFormat german{',', '.'};
  CHECK(plain("1.234,50", german) == "1234.50");
  CHECK(plain("1.234.567", german) == "1234567");
  CHECK(plain("1234,5", german) == "1234.5");
  for (const std::string_view text :
       {"1.2345", "12.34", "1234.567", ".123", "1..234", "1.234,5.6", "1.23,4"})
    CHECK(fault_of(text, german) == DecimalFault::kSyntax);
  CHECK(fault_of("1.234,50") == DecimalFault::kSyntax);
}

TEST_CASE("random decimals survive numeric and decimal128") {
  std::mt19937_64 random(11);
  Arena arena;
  for (int i = 0; i < 20000; ++i) {
    DecimalDigits value;
    value.negative = random() % 2 == 0;
    const size_t count = 1 + random() % 34;
    for (size_t d = 0; d < count; ++d)
      value.digits.push_back(static_cast<char>('0' + (d == 0 ? 1 + random() % 9 : random() % 10)));
    value.scale = static_cast<int32_t>(random() % 80) - 20;
    DecimalDigits back;
    decimal_from_numeric(decimal_to_numeric(value, 0, arena), back);
    ByteBuffer a, b;
    append_plain(value, a);
    append_plain(back, b);
    REQUIRE(a.text() == b.text());
    uint8_t bson[16];
    REQUIRE(decimal_to_bson(value, bson));
    decimal_from_bson(bson, back);
    REQUIRE(back.digits == value.digits);
    REQUIRE(back.scale == value.scale);
    REQUIRE(back.negative == value.negative);
    REQUIRE(parse_decimal(a.text(), {}, back) == DecimalFault::kNone);
    ByteBuffer c;
    append_plain(back, c);
    REQUIRE(c.text() == a.text());
    arena.reset();
  }
}

TEST_CASE("decimal128 prints as MongoDB prints it") {
  CHECK(bson_text(0x3040000000000000, 0) == "0");
  CHECK(bson_text(0xB040000000000000, 0) == "-0");
  CHECK(bson_text(0x3046000000000000, 1) == "1E+3");
  CHECK(bson_text(0x3030000000000000, 0) == "0E-8");
  CHECK(bson_text(0x3032000000000000, 1) == "1E-7");
  CHECK(bson_text(0x303C000000000000, 0) == "0.00");
  CHECK(bson_text(0x3036000000000000, 120) == "0.00120");
  CHECK(bson_text(0x302C000000000000, 120) == "1.20E-8");
  CHECK(bson_text(0x7800000000000000, 0) == "Infinity");
  CHECK(bson_text(0xF800000000000000, 0) == "-Infinity");
  CHECK(bson_text(0xFC00000000000000, 5) == "NaN");
  CHECK(bson_text(0x6C10000000000000, 0) == "0");  // non-canonical: implicit leading 100
  CHECK(bson_text(0x3041ED09BEAD87C0, 0x378D8E63FFFFFFFF) == "9999999999999999999999999999999999");
  CHECK(bson_text(0x3041ED09BEAD87C0, 0x378D8E6400000000) == "0");  // one more than 34 nines
}

TEST_CASE("decimal128 refuses what it cannot hold exactly") {
  DecimalDigits value;
  uint8_t bson[16];
  value.digits = std::string(35, '9');
  CHECK_FALSE(decimal_to_bson(value, bson));
  value.digits = std::string(34, '9') + "0";
  CHECK(decimal_to_bson(value, bson));
  value.digits = "1";
  value.scale = -6112;
  REQUIRE(decimal_to_bson(value, bson));
  CHECK(decimal128_text(bson) == "1.0E+6112");
  value.scale = 6177;
  CHECK_FALSE(decimal_to_bson(value, bson));
}

TEST_CASE("doubles by bits: shortest digits and exact digits read back") {
  std::mt19937_64 random(13);
  const auto check = [](double value) {
    if (!std::isfinite(value)) return;
    DecimalDigits digits;
    decimal_from_double(value, digits);
    REQUIRE(digits.digits.size() <= 17);
    REQUIRE(std::bit_cast<uint64_t>(decimal_to_double(digits)) == std::bit_cast<uint64_t>(value));
    decimal_from_double_exact(value, digits);
    REQUIRE(std::bit_cast<uint64_t>(decimal_to_double(digits)) == std::bit_cast<uint64_t>(value));
    char text[kDoubleChars];
    REQUIRE(std::strtod(std::string(text, double_chars(value, text)).c_str(), nullptr) == value);
  };
  for (const double value : {0.0, -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308,
                             0.1, 1.0, 1e21, 1e22, 123456.789})
    check(value);
  for (int i = 0; i < 20000; ++i) check(from_bits(random()));
  CHECK(double_text(1.0) == "1");
  CHECK(double_text(100000.0) == "100000");
  CHECK(double_text(1e20) == "100000000000000000000");
  CHECK(double_text(1e21) == "1e+21");
  CHECK(double_text(1e-6) == "0.000001");
  CHECK(double_text(1.5e-7) == "1.5e-7");
  CHECK(double_text(-0.0) == "-0");
  CHECK(double_text(std::nan("")) == "NaN");
  CHECK(double_text(-HUGE_VAL) == "-Infinity");
  DecimalDigits digits;
  decimal_from_double_exact(0.1, digits);
  CHECK(digits.digits == "1000000000000000055511151231257827021181583404541015625");
}

TEST_CASE("rounding is half away from zero and says what it loses") {
  const auto rounded = [](std::string_view text, int scale, bool lost) {
    DecimalDigits digits;
    REQUIRE(parse_decimal(text, {}, digits) == DecimalFault::kNone);
    CHECK(round_decimal(digits, scale) == lost);
    ByteBuffer out;
    append_plain(digits, out);
    return std::string(out.text());
  };
  CHECK(rounded("2.5", 0, true) == "3");
  CHECK(rounded("-2.5", 0, true) == "-3");
  CHECK(rounded("9.995", 2, true) == "10.00");
  CHECK(rounded("0.4", 0, true) == "0");
  CHECK(rounded("0.5", 0, true) == "1");
  CHECK(rounded("0.05", 0, true) == "0");
  CHECK(rounded("1.500", 1, false) == "1.5");
  CHECK(rounded("1234", -2, true) == "1200");
  CHECK(rounded("1.5", 4, false) == "1.5");
}

TEST_CASE("precision and integers have limits") {
  const auto digits_of = [](std::string_view text) {
    DecimalDigits digits;
    REQUIRE(parse_decimal(text, {}, digits) == DecimalFault::kNone);
    return digits;
  };
  CHECK(fits_precision(digits_of("999.99"), 5, 2));
  CHECK_FALSE(fits_precision(digits_of("1000.00"), 5, 2));
  CHECK(fits_precision(digits_of("0.0099"), 2, 4));
  CHECK_FALSE(fits_precision(digits_of("0.0199"), 2, 4));
  int64_t out = 0;
  CHECK(decimal_to_int(digits_of("9223372036854775807"), out) == DecimalFault::kNone);
  CHECK(decimal_to_int(digits_of("9223372036854775808"), out) == DecimalFault::kOverflow);
  CHECK(decimal_to_int(digits_of("-9223372036854775808"), out) == DecimalFault::kNone);
  CHECK(out == INT64_MIN);
  CHECK(decimal_to_int(digits_of("1.5"), out) == DecimalFault::kInexact);
  CHECK(decimal_to_int(digits_of("0.5"), out) == DecimalFault::kInexact);
  CHECK(decimal_to_int(digits_of("1.50e1"), out) == DecimalFault::kNone);
  CHECK(out == 15);
  CHECK(decimal_to_int(digits_of("1e30"), out) == DecimalFault::kOverflow);
}
