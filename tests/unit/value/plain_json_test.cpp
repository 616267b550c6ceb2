#include "value/plain_json.hpp"

#include "base/error.hpp"
#include "catch.hpp"
#include "value/bson_reader.hpp"
#include "value/json_writer.hpp"
#include "value/support.hpp"

namespace lugger {

namespace {

std::string back(std::string_view json) {
  const std::string bson = bson_from_plain_json(json);
  Document document;
  document.data = as_bytes(bson).data();
  document.size = static_cast<uint32_t>(bson.size());
  return document_json(document, JsonStyle::kPlain);
}

ValueType type_of(std::string_view json) {
  const std::string bson = bson_from_plain_json(json);
  return bson_field(as_bytes(bson), "").type;
}

}  // namespace

TEST_CASE("plain JSON: no object is a wrapper") {
  CHECK(back(R"({"a": {"$oid": "64f1c0a2b3c4d5e6f7a8b901"}, "b": {"$date": 1}})") ==
        R"({"a":{"$oid":"64f1c0a2b3c4d5e6f7a8b901"},"b":{"$date":1}})");
  CHECK(back(R"({"list": [1, [], {}, "x", null, true], "": "e"})") ==
        R"({"list":[1,[],{},"x",null,true],"":"e"})");
  CHECK(back(R"({"t": "A\n\"\\ä😀"})") == "{\"t\":\"A\\n\\\"\\\\ä😀\"}");
}

TEST_CASE("plain JSON: numbers keep their digits") {
  CHECK(type_of("7") == ValueType::kInt32);
  CHECK(type_of("9007199254740993") == ValueType::kInt64);
  CHECK(type_of("1.10") == ValueType::kDouble);
  CHECK(type_of("0.1") == ValueType::kDouble);
  CHECK(type_of("12345678901234567890.5") == ValueType::kDecimal);
  CHECK(type_of("123456789012345678901") == ValueType::kDecimal);
  CHECK(type_of("1234567890123456789012345678901234567.25") == ValueType::kNumeric);
  CHECK(back(R"({"n":1234567890123456789012345678901234567.25})") ==
        R"({"n":1234567890123456789012345678901234567.25})");
}

TEST_CASE("plain JSON: what is none is refused") {
  for (const char* text : {"", "{", "[1,", "{\"a\"}", "tru", "1 2", "\"x", "{\"a\":1}}"})
    CHECK_THROWS_AS(bson_from_plain_json(text), Error);
}

namespace {

/// What plain JSON says, one document, in the canonical form of Extended JSON.
std::string plainly(std::string_view json) {
  JsonReader reader(JsonForm::kPlain);
  ByteBuffer out;
  reader.feed(as_bytes(json), true);
  try {
    const bool whole = reader.next(out);
    REQUIRE(whole);
  } catch (const Error& error) {
    CHECK(error.code() == Code::kParse);
    return error.message();
  }
  REQUIRE(validate_bson(as_bytes(out.text())) == BsonFault::kNone);
  return test::as_json(out.text());
}

}  // namespace

TEST_CASE("plain JSON has no wrappers and keeps every digit") {
  CHECK(plainly(R"({"$oid":"64f100000000000000000000","a":{"$oid":"64f100000000000000000000"}})") ==
        R"({"$oid":"64f100000000000000000000","a":{"$oid":"64f100000000000000000000"}})");
  CHECK(plainly(R"({"a":{"$date":1},"b":-0,"c":0.1,"d":0.12345678901234567890123})") ==
        R"({"a":{"$date":{"$numberInt":"1"}},"b":{"$numberDouble":"-0.0"},)"
        R"("c":{"$numberDouble":"0.1"},"d":{"$numberDecimal":"0.12345678901234567890123"}})");
  CHECK(plainly(R"({"a":123456789012345678901234567890})") ==
        R"({"a":{"$numberDecimal":"123456789012345678901234567890"}})");
  CHECK(plainly(R"({"a":1e-400})") == R"({"a":{"$numberDecimal":"1E-400"}})");
  CHECK(plainly("{\"a\":\"\\ud83d\\ude00\\u0000\xC3\xA9\",\"b\":9007199254740993.5}") ==
        "{\"a\":\"\xF0\x9F\x98\x80\\u0000\xC3\xA9\",\"b\":{\"$numberDecimal\":\"9007199254740993."
        "5\"}}");
}

TEST_CASE("plain JSON keeps the zeros behind the point") {
  CHECK(plainly(R"({"a":1.10,"b":1.0,"c":[0.0,-0.0,1.5,100],"d":"1.0","e":1.50e1})") ==
        R"({"a":{"$numberDecimal":"1.10"},"b":{"$numberDecimal":"1.0"},)"
        R"("c":[{"$numberDecimal":"0.0"},{"$numberDouble":"-0.0"},{"$numberDouble":"1.5"},)"
        R"({"$numberInt":"100"}],"d":"1.0","e":{"$numberDecimal":"15.0"}})");
  CHECK(plainly(R"({"a":1E2,"b":1e-05,"c":1.5E+300})") ==
        R"({"a":{"$numberDouble":"100.0"},"b":{"$numberDouble":"1E-05"},)"
        R"("c":{"$numberDouble":"1.5E+300"}})");
}

TEST_CASE("plain JSON is JSON and nothing else") {
  CHECK_THAT(plainly(R"({"a":NaN})"), ContainsSubstring("style = 'plain'"));
  CHECK_THAT(plainly(R"({"a":ObjectId("64f100000000000000000000")})"),
             ContainsSubstring("style = 'plain'"));
  CHECK_THAT(plainly(R"({"a":"\\ud83d\ud83d\ude00\ud83d"})"),
             ContainsSubstring("column 26: half of a character"));
  CHECK_THAT(plainly(R"({"a":1,})"), ContainsSubstring("line 1, column 8"));
  CHECK_THAT(plainly("{\"a\":1234567890123456789.}"), ContainsSubstring("line 1"));
}

}  // namespace lugger
