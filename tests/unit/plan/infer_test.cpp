#include "plan/infer.hpp"

#include "catch.hpp"
#include "value/json_reader.hpp"

using namespace lugger;

namespace {

FieldsSeen seen_in(const std::vector<std::string>& documents) {
  FieldsSeen seen;
  for (const std::string& json : documents) {
    const std::string bson = bson_from_json(json);
    seen.add({reinterpret_cast<const uint8_t*>(bson.data()), static_cast<uint32_t>(bson.size()),
              Format::kBson, nullptr});
  }
  return seen;
}

/// The type inferred for field "a" of these values.
std::string inferred(const std::vector<std::string>& values) {
  std::vector<std::string> documents;
  for (const std::string& value : values) documents.push_back(R"({"a":)" + value + "}");
  return narrowest_type(seen_in(documents).fields().at(0));
}

}  // namespace

TEST_CASE("the narrowest type that holds every value seen") {
  CHECK(inferred({"true", "null"}) == "bool");
  CHECK(inferred({"1", "2"}) == "int4");
  CHECK(inferred({"1", R"({"$numberLong":"2"})"}) == "int8");
  CHECK(inferred({"1", "2.5"}) == "float8");
  CHECK(inferred({R"({"$numberLong":"9007199254740993"})", "2.5"}) == "numeric");
  CHECK(inferred({"1", R"({"$numberDecimal":"2.50"})"}) == "numeric");
  // A double is not exactly a decimal: numeric would lose which was which, and the sign of zero.
  CHECK(inferred({R"({"$numberDecimal":"2.50"})", "2.5"}) == "jsonb");
  CHECK(inferred({R"("x")"}) == "text");
  CHECK(inferred({R"("x")", "1"}) == "jsonb");
  CHECK(inferred({R"({"$oid":"64f1c0000000000000000001"})"}) == "text");
  CHECK(inferred({R"({"$date":"2026-01-01T00:00:00Z"})"}) == "timestamptz");
  CHECK(inferred({R"({"$date":{"$numberLong":"9223372036854775807"}})"}) == "text");
  CHECK(inferred({R"({"$uuid":"2ed6657d-e927-568b-95e1-2665a8aea6a2"})"}) == "uuid");
  CHECK(inferred({R"({"$binary":{"base64":"AQ==","subType":"00"}})"}) == "bytea");
  CHECK(inferred({"null"}) == "jsonb");
  CHECK(inferred({"{}", "[]"}) == "jsonb");
}

TEST_CASE(
    "inferred columns: ids in front, clashes renamed, what has no usable name goes to the rest") {
  const std::vector<Column> columns = infer_columns(seen_in({R"({"_id":1,"id":2,"b":"x","":3})"}));
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  CHECK(names == std::vector<std::string>{"id", "mongo_id", "id_", "b", "rest"});
  CHECK(columns[0].generate == Column::Generate::kV5);
  CHECK(columns[1].id_text_column);
  CHECK(columns[2].from == "id");
  CHECK(columns[4].from == "*");
}
