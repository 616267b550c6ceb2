#include "value/match.hpp"

#include "base/error.hpp"
#include "catch.hpp"
#include "value/compare.hpp"
#include "value/json_reader.hpp"
#include "value/looked_into.hpp"

using namespace lugger;

namespace {

bool matches(const char* filter, const char* document) {
  const std::string bson = bson_from_json(document);
  const Document made{as_bytes(bson).data(), static_cast<uint32_t>(bson.size()), Format::kBson,
                      nullptr};
  Arena arena;
  return Filter(bson_from_json(filter)).matches(made, arena);
}

Value value_of(const std::string& bson) {
  Document made{as_bytes(bson).data(), static_cast<uint32_t>(bson.size()), Format::kBson, nullptr};
  Arena arena;
  return document_field(made, "v", Opened::kWhole, arena);
}

int compared(const char* a, const char* b) {
  const std::string left = bson_from_json(std::string(R"({"v":)") + a + "}");
  const std::string right = bson_from_json(std::string(R"({"v":)") + b + "}");
  return compare_values(value_of(left), value_of(right));
}

}  // namespace

TEST_CASE("comparisons stay within their type") {
  CHECK(matches(R"({"age": {"$gt": 30}})", R"({"age": 31})"));
  CHECK_FALSE(matches(R"({"age": {"$gt": 30}})", R"({"age": "31"})"));
  CHECK_FALSE(matches(R"({"age": {"$gt": 30}})", R"({})"));
  CHECK(matches(R"({"age": {"$gte": 30, "$lt": 31}})", R"({"age": 30.5})"));
  CHECK(matches(R"({"age": {"$lte": {"$numberDecimal": "30.00"}}})", R"({"age": 30})"));
  CHECK(matches(R"({"name": {"$lt": "b"}})", R"({"name": "a"})"));
  CHECK(matches(R"({"a": {"$gte": null}})", R"({})"));
}

TEST_CASE("equality, null and missing") {
  CHECK(matches(R"({"a": 1})", R"({"a": 1.0})"));
  CHECK(matches(R"({"a": null})", R"({"b": 1})"));
  CHECK(matches(R"({"a": null})", R"({"a": null})"));
  CHECK_FALSE(matches(R"({"a": null})", R"({"a": 0})"));
  CHECK(matches(R"({"a": {"b": 1}})", R"({"a": {"b": 1}})"));
  CHECK_FALSE(matches(R"({"a": {"b": 1}})", R"({"a": {"b": 1, "c": 2}})"));
  CHECK(matches(R"({"a": {"$ne": 1}})", R"({})"));
  CHECK(matches(R"({"a": {"$exists": false}})", R"({"b": 1})"));
  CHECK(matches(R"({"a": {"$exists": true}})", R"({"a": null})"));
  CHECK(matches(R"({"a": {"$in": [1, "x", null]}})", R"({"b": 1})"));
  CHECK_FALSE(matches(R"({"a": {"$nin": [1, "x"]}})", R"({"a": ["x"]})"));
  CHECK(matches(R"({})", R"({"a": 1})"));
}

TEST_CASE("arrays answer for their elements") {
  CHECK(matches(R"({"tags": "a"})", R"({"tags": ["b", "a"]})"));
  CHECK(matches(R"({"tags": ["b", "a"]})", R"({"tags": ["b", "a"]})"));
  CHECK_FALSE(matches(R"({"tags": {"$ne": "a"}})", R"({"tags": ["b", "a"]})"));
  CHECK(matches(R"({"lines.sku": "x"})", R"({"lines": [{"sku": "y"}, {"sku": "x"}]})"));
  CHECK(matches(R"({"lines.1.sku": "x"})", R"({"lines": [{"sku": "y"}, {"sku": "x"}]})"));
  CHECK_FALSE(matches(R"({"lines.0.sku": "x"})", R"({"lines": [{"sku": "y"}, {"sku": "x"}]})"));
  CHECK(matches(R"({"tags": {"$size": 2}})", R"({"tags": [1, 2]})"));
  CHECK(matches(R"({"tags": {"$all": ["a", "b"]}})", R"({"tags": ["b", "c", "a"]})"));
  CHECK_FALSE(matches(R"({"tags": {"$all": ["a", "d"]}})", R"({"tags": ["b", "c", "a"]})"));
  CHECK(matches(R"({"n": {"$elemMatch": {"$gt": 1, "$lt": 3}}})", R"({"n": [0, 2, 9]})"));
  CHECK_FALSE(matches(R"({"n": {"$elemMatch": {"$gt": 1, "$lt": 3}}})", R"({"n": [0, 9]})"));
  CHECK(matches(R"({"l": {"$elemMatch": {"a": 1, "b": {"$gt": 1}}}})",
                R"({"l": [{"a": 1, "b": 1}, {"a": 1, "b": 2}]})"));
  CHECK_FALSE(matches(R"({"l": {"$elemMatch": {"a": 1, "b": 2}}})",
                      R"({"l": [{"a": 1, "b": 1}, {"a": 2, "b": 2}]})"));
}

TEST_CASE("conditions together") {
  CHECK(matches(R"({"$or": [{"a": 1}, {"b": 2}]})", R"({"b": 2})"));
  CHECK_FALSE(matches(R"({"$nor": [{"a": 1}, {"b": 2}]})", R"({"b": 2})"));
  CHECK(matches(R"({"$and": [{"a": {"$gt": 1}}, {"a": {"$lt": 3}}]})", R"({"a": 2})"));
  CHECK(matches(R"({"a": {"$not": {"$gt": 5}}})", R"({})"));
  CHECK_FALSE(matches(R"({"a": {"$not": {"$gt": 5}}})", R"({"a": 6})"));
  CHECK(matches(R"({"a": {"$type": "number"}})", R"({"a": {"$numberDecimal": "1"}})"));
  CHECK(matches(R"({"a": {"$type": ["string", 16]}})", R"({"a": 5})"));
  CHECK_FALSE(matches(R"({"a": {"$type": "long"}})", R"({"a": 5})"));
}

TEST_CASE("what a filter does not know is named") {
  const auto message = [](const char* filter) {
    try {
      Filter made{bson_from_json(filter)};
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message(R"({"a": {"$where": "x"}})").find("does not know the operator $where; ask Lua") !=
        std::string::npos);
  CHECK(message(R"({"a": {"$like": 1}})").find("did you mean") == std::string::npos);
  CHECK(message(R"({"a": {"$gtt": 1}})").find("did you mean $gt?") != std::string::npos);
  CHECK(message(R"({"a": {"$in": 1}})").find("$in wants a list") != std::string::npos);
  CHECK(message(R"({"$gt": 1})").find("stands inside a field") != std::string::npos);
  CHECK(message(R"({"a": {"$or": []}})").find("stands beside fields") != std::string::npos);
  CHECK(message(R"({"a": {"$type": "text"}})").find("there is no type \"text\"") !=
        std::string::npos);
}

TEST_CASE("the order of MongoDB") {
  const char* rising[] = {R"({"$minKey": 1})",
                          "null",
                          R"({"$numberDouble": "NaN"})",
                          R"({"$numberDecimal": "-Infinity"})",
                          R"({"$numberLong": "-9223372036854775808"})",
                          "-1.5",
                          R"({"$numberDecimal": "-1.4"})",
                          "0",
                          "0.1",
                          R"({"$numberDecimal": "0.11"})",
                          R"({"$numberLong": "9007199254740992"})",
                          R"({"$numberLong": "9007199254740993"})",
                          R"({"$numberDecimal": "9007199254740993.5"})",
                          R"({"$numberDouble": "1e300"})",
                          R"("")",
                          R"("a")",
                          R"("ab")",
                          R"({"a": 1})",
                          R"({"a": 2})",
                          R"([1])",
                          R"([1, 2])",
                          R"({"$binary": {"base64": "AQ==", "subType": "00"}})",
                          R"({"$oid": "000000000000000000000001"})",
                          "false",
                          "true",
                          R"({"$date": "1960-01-01T00:00:00Z"})",
                          R"({"$date": "2026-01-01T00:00:00Z"})",
                          R"({"$timestamp": {"t": 1, "i": 1}})",
                          R"({"$maxKey": 1})"};
  for (size_t i = 0; i < std::size(rising); ++i) {
    CHECK(compared(rising[i], rising[i]) == 0);
    for (size_t j = i + 1; j < std::size(rising); ++j) {
      INFO(rising[i] << " and " << rising[j]);
      CHECK(compared(rising[i], rising[j]) < 0);
      CHECK(compared(rising[j], rising[i]) > 0);
    }
  }
  CHECK(compared("1", R"({"$numberDecimal": "1.000"})") == 0);
  CHECK(compared("-0.0", R"({"$numberDecimal": "0"})") == 0);
}
