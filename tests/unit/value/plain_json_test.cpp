#include "value/plain_json.hpp"

#include "base/error.hpp"
#include "catch.hpp"
#include "value/bson_reader.hpp"
#include "value/json_writer.hpp"

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

}  // namespace lugger
