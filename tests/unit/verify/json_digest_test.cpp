// The structure of JSON, as jsonb compares it.
#include "verify/json_digest.hpp"

#include "catch.hpp"

using namespace lugger;

namespace {

bool same(std::string_view a, std::string_view b) {
  JsonDigester digester(7);
  const Digest left = digester.digest(a);
  return left == digester.digest(b);
}

std::string number_value(std::string_view text) {
  ByteBuffer out;
  append_number_value(text, out);
  return std::string(out.text());
}

}  // namespace

TEST_CASE("S0-61 jsonb: order of keys, white space and the way of writing do not count") {
  CHECK(same(R"({"a":1,"b":[true,null,"x"]})", R"( { "b" : [ true , null , "x" ] , "a" : 1 } )"));
  CHECK(same(R"({"a":{"b":{},"c":[]}})", R"({"a":{"c":[],"b":{}}})"));
  CHECK(same(R"("\u00e9\n\"")", "\"\xC3\xA9\\n\\\"\""));
  CHECK(same(R"({"\u0061":1})", R"({"a":1})"));
  CHECK(same("1", " 1 "));
  CHECK(same("null", "null"));
}

TEST_CASE("S0-61 jsonb: the last of equal keys counts") {
  CHECK(same(R"({"a":1,"b":2,"a":3})", R"({"b":2,"a":3})"));
  CHECK_FALSE(same(R"({"a":1,"a":3})", R"({"a":1})"));
  CHECK(same(R"({"o":{"x":1,"x":2},"o":{"x":2}})", R"({"o":{"x":2}})"));
}

TEST_CASE("S0-61 jsonb: numbers count by value, to the last digit") {
  CHECK(same("1.0", "1.00"));
  CHECK(same("1.50", "1.5"));
  CHECK(same("1e3", "1000"));
  CHECK(same("0.001", "1E-3"));
  CHECK(same("-0", "0"));
  CHECK(same("-0.0", "0.00"));
  CHECK(same("100", "1e2"));
  CHECK_FALSE(same("0.1000000000000000000000000000001", "0.1"));
  CHECK_FALSE(same("9007199254740993", "9007199254740992"));
  CHECK_FALSE(same("123456789012345678901234567890", "123456789012345678901234567891"));
  CHECK_FALSE(same("1", "-1"));
  CHECK_FALSE(same("1", "10"));
  CHECK_FALSE(same("1e5", "1e-5"));
}

TEST_CASE("S0-71 jsonb: null, the text \"null\", no key and an empty value are four things") {
  CHECK_FALSE(same("null", R"("null")"));
  CHECK_FALSE(same(R"({"a":null})", "{}"));
  CHECK_FALSE(same(R"({"a":null})", R"({"a":"null"})"));
  CHECK_FALSE(same(R"({"a":null})", R"({"a":""})"));
  CHECK_FALSE(same("1", R"("1")"));
  CHECK_FALSE(same("true", R"("true")"));
  CHECK_FALSE(same("true", "false"));
  CHECK_FALSE(same("[]", "{}"));
  CHECK_FALSE(same("[[]]", "[]"));
  CHECK_FALSE(same("[1,2]", "[2,1]"));
  CHECK_FALSE(same("[1,[2]]", "[1,2]"));
  CHECK_FALSE(same(R"({"a":"b"})", R"({"b":"a"})"));
  CHECK_FALSE(same(R"({"a":1})", R"({"A":1})"));
  CHECK_FALSE(same(R"({"a":{"b":1}})", R"({"a":1,"b":1})"));
}

TEST_CASE("jsonb: deep and large values") {
  std::string deep, other;
  for (int i = 0; i < 1000; ++i) deep += '[';
  other = deep;
  deep += "1", other += "2";
  for (int i = 0; i < 1000; ++i) deep += ']', other += ']';
  CHECK(same(deep, deep));
  CHECK_FALSE(same(deep, other));
  std::string wide = "{", turned;
  for (int i = 0; i < 500; ++i) wide += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  turned = wide;
  wide += "\"last\":1}", turned += "\"last\":2}";
  CHECK(same(wide, wide));
  CHECK_FALSE(same(wide, turned));
}

TEST_CASE("jsonb: what is no JSON is compared as bytes") {
  CHECK(same("{broken", "{broken"));
  CHECK_FALSE(same("{broken", "{broken "));
}

TEST_CASE("numbers as values") {
  CHECK(number_value("0") == number_value("-0.000e17"));
  CHECK(number_value("12.340") == number_value("1234e-2"));
  CHECK(number_value("1200") == number_value("12e2"));
  CHECK(number_value("12") != number_value("1.2"));
  CHECK(number_value("5 ") == number_value("5"));
}
