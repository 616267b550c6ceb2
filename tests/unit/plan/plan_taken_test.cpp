// What of a document columns take, and what is left of it: unmapped fields, routes, equal names,
// defaults.
#include "plan/plan_support.hpp"

using namespace lugger;
using namespace lugger::test;

namespace {

using Paths = std::map<std::string, uint64_t>;

/// What no column took of these documents, by these columns.
Paths left(const std::vector<Column>& columns, const std::vector<std::string>& documents,
           std::vector<ChildMapping> children = {}) {
  Mapping mapping = users();
  mapping.columns = columns;
  mapping.columns.push_back(column("mongo_id", "text", "_id"));
  mapping.children = std::move(children);
  Fixture f(std::move(mapping));
  f.run(documents);
  return f.plan.unmapped();
}

/// The same documents where such fields are refused: how many are.
size_t refused(const std::vector<Column>& columns, const std::vector<std::string>& documents,
               std::vector<ChildMapping> children = {}) {
  Mapping mapping = users();
  mapping.columns = columns;
  mapping.columns.push_back(column("mongo_id", "text", "_id"));
  mapping.children = std::move(children);
  mapping.unmapped = Unmapped::kError;
  Fixture f(std::move(mapping));
  f.run(documents);
  return f.batch.refusals.size();
}

/// The rest of one document, as json.
std::string rest(const std::vector<Column>& columns, const std::string& document) {
  Mapping mapping = users();
  mapping.columns = columns;
  mapping.columns.push_back(column("mongo_id", "text", "_id"));
  mapping.columns.push_back(column("rest", "json", "*"));
  Fixture f(std::move(mapping));
  f.run({document});
  REQUIRE(f.batch.refusals.empty());
  return coerced_text(f.batch.tables[0].row(0)[columns.size() + 1], parse_column_type("json"));
}

ChildMapping child(std::vector<Column> columns) {
  return {"lines", "lines[]", std::move(columns), {}, "ordinal", "", {}};
}

}  // namespace

TEST_CASE("A19: a path is taken when a column takes it or any document it lies in") {
  const std::string nested = R"({"_id":1,"v":{"d":1,"e":{"f":2}}})";
  CHECK(left({column("v", "jsonb"), column("d", "int4", "v.d")}, {nested}).empty());
  CHECK(refused({column("v", "jsonb"), column("d", "int4", "v.d")}, {nested}) == 0);
  CHECK(left({column("d", "int4", "v.d")}, {nested}) == Paths{{"v.e", 1}});
  CHECK(left({column("f", "int4", "v.e.f"), column("e", "jsonb", "v.e")}, {nested}) ==
        Paths{{"v.d", 1}});
  CHECK(rest({column("v", "jsonb"), column("d", "int4", "v.d")}, nested) == "{}");
  CHECK(rest({column("e", "jsonb", "v.e"), column("f", "int4", "v.e.f")}, nested) ==
        R"({"v":{"d":1}})");
}

TEST_CASE(
    "A19: unmapped are the fields that from = '*' would have kept, refused one as the other") {
  const std::vector<Column> columns = {column("city", "text", "a.city")};
  for (const std::string value : {"5", "null", "[]", "{}", "[1]", "\"text\""}) {
    const std::string document = R"({"_id":1,"a":)" + value + "}";
    CAPTURE(value);
    CHECK(rest(columns, document) == R"({"a":)" + value + "}");
    CHECK(left(columns, {document}) == (value == "[1]" ? Paths{{"a.0", 1}} : Paths{{"a", 1}}));
    CHECK(refused(columns, {document}) == 1);
  }
  CHECK(left(columns, {R"({"_id":1,"a":{"city":"Oslo"}})"}).empty());
  CHECK(rest(columns, R"({"_id":1,"a":{"city":"Oslo"}})") == "{}");
}

TEST_CASE("A19: an array of which a column takes a part stays whole in the rest") {
  const std::vector<Column> columns = {column("first", "text", "l.0.sku")};
  CHECK(rest(columns, R"({"_id":1,"l":[{"sku":"a","n":1},{"sku":"b"}]})") ==
        R"({"l":[{"sku":"a","n":1},{"sku":"b"}]})");
  CHECK(rest(columns, R"({"_id":1,"l":[{"sku":"a"}]})") == "{}");
  CHECK(left(columns, {R"({"_id":1,"l":[{"sku":"a","n":1},{"sku":"b"}]})"}) ==
        Paths{{"l.0.n", 1}, {"l.1", 1}});
}

TEST_CASE("A19: what the columns of a child table leave is told, once a document, and refused") {
  const std::string document =
      R"({"_id":1,"lines":[{"sku":"a","n":1},{"sku":"b","n":2},{"sku":"c","m":3}]})";
  const std::vector<ChildMapping> lines = {child({column("sku", "text")})};
  CHECK(left({}, {document, document}, lines) == Paths{{"lines[].n", 2}, {"lines[].m", 2}});
  CHECK(refused({}, {document}, lines) == 1);
  const std::vector<ChildMapping> whole = {child({column("line", "jsonb", ".")})};
  CHECK(left({}, {document}, whole).empty());
  CHECK(refused({}, {document}, whole) == 0);
}

TEST_CASE("F5: what only a route reads is no column's") {
  Mapping mapping = users();
  mapping.route = {"meta.kind", {{"staff", "staff"}}, "others"};
  mapping.columns = {column("mongo_id", "text", "_id")};
  const std::string document = R"({"_id":"a","meta":{"kind":"staff","n":1}})";
  {
    Fixture f(mapping);
    f.run({document});
    CHECK(f.batch.tables[*f.shape->own_table("staff")].rows() == 1);
    CHECK(f.plan.unmapped() == Paths{{"meta.kind", 1}, {"meta.n", 1}});
  }
  mapping.unmapped = Unmapped::kError;
  {
    Fixture f(mapping);
    f.run({document});
    CHECK(f.batch.refusals.size() == 1);
  }
  mapping.columns.push_back(column("rest", "json", "*"));
  {
    Fixture f(mapping);
    f.run({document});
    CHECK(f.row(*f.shape->own_table("staff"), 0) == R"(a | {"meta":{"kind":"staff","n":1}})");
  }
  mapping.columns = {column("id", "uuid"), column("rest", "json", "*")};
  mapping.columns[0].generate = Column::Generate::kV5;
  mapping.key = {"id"};
  Fixture f(mapping);
  f.run({document});
  REQUIRE(f.batch.tables[*f.shape->own_table("staff")].rows() == 1);
  const Value* row = f.batch.tables[*f.shape->own_table("staff")].row(0);
  CHECK(coerced_text(row[1], parse_column_type("json")) ==
        R"({"_id":"a","meta":{"kind":"staff","n":1}})");
}

TEST_CASE("F5: an _id that only an id is made of stays in the rest, whatever else is mapped") {
  Mapping mapping = users();
  mapping.columns = {column("id", "uuid"), column("age", "int4"), column("rest", "json", "*")};
  mapping.columns[0].generate = Column::Generate::kV5;
  mapping.key = {"id"};
  Fixture f(mapping);
  f.run({R"({"_id":"a","age":3})"});
  CHECK(coerced_text(f.batch.tables[0].row(0)[2], parse_column_type("json")) == R"({"_id":"a"})");
}

TEST_CASE("F7: of a name that comes twice the last value counts, also of what lies in it") {
  const std::vector<Column> columns = {column("x", "int4", "b.x"), column("b", "json")};
  const auto run = [&](const std::string& document) {
    Mapping mapping = users();
    mapping.columns = columns;
    mapping.columns.push_back(column("mongo_id", "text", "_id"));
    Fixture f(std::move(mapping));
    f.run({document});
    return f.row(0, 0);
  };
  CHECK(run(R"({"_id":1,"b":{"x":1},"b":{"y":2}})") == R"(NULL | {"y":2} | $n:1)");
  CHECK(run(R"({"_id":1,"b":{"x":1},"b":5})") == "NULL | 5 | $n:1");
  CHECK(run(R"({"_id":1,"b":5,"b":{"x":1,"x":7}})") == R"(7 | {"x":1,"x":7} | $n:1)");
  CHECK(run(R"({"_id":1,"b":{"x":1},"b":{"x":2},"_id":3})") == R"(2 | {"x":2} | $n:3)");
  CHECK(rest({column("x", "int4", "b.x")}, R"({"_id":1,"b":{"z":1},"c":1,"b":{"x":2}})") ==
        R"({"c":1})");
  CHECK(rest({column("x", "int4", "a.b.x")},
             R"({"_id":1,"a":{"b":{"z":1},"c":1,"b":{"x":2,"q":3}}})") ==
        R"({"a":{"c":1,"b":{"q":3}}})");
  CHECK(left({column("x", "int4", "b.x")}, {R"({"_id":1,"b":{"x":2},"u":1,"u":2})"}) ==
        Paths{{"u", 1}});
  CHECK(document_id({}, Mapping{}) == "?");
}

TEST_CASE("a document without _id is named by its key") {
  const auto named = [](const char* json, std::vector<std::string> key) {
    Mapping mapping;
    mapping.columns = {column("id", "int4", "number"), column("name", "text")};
    mapping.key = std::move(key);
    const std::string bson = bson_from_json(json);
    return document_id({as_bytes(bson).data(), static_cast<uint32_t>(bson.size())}, mapping);
  };
  CHECK(named(R"({"number":7,"name":"a"})", {"id"}) == "7");
  CHECK(named(R"({"number":"x 7","name":"a"})", {"name", "id"}) == "a,x 7");
  CHECK(named(R"({"_id":"own","number":7})", {"id"}) == "own");
  for (const char* json : {R"({"name":"a"})", R"({"number":null})"})
    CHECK(named(json, {"id"}) == "?");
  CHECK(named(R"({"number":7})", {}) == "?");
}

TEST_CASE("F7: children come of the last array of a name") {
  Mapping mapping = users();
  mapping.columns = {column("mongo_id", "text", "_id")};
  mapping.children = {{"lines", "o.lines[]", {column("sku", "text")}, {}, "ordinal", "", {}}};
  Fixture f(std::move(mapping));
  f.run(
      {R"({"_id":1,"o":{"lines":[{"sku":"a"},{"sku":"b"}]},"o":{"lines":[{"sku":"c","sku":"d"}]}})",
       R"({"_id":2,"o":{"lines":[{"sku":"a"}]},"o":{}})"});
  REQUIRE(f.batch.tables[1].rows() == 1);
  CHECK(f.row(1, 0) == "$n:1 | 1 | d");
}

TEST_CASE("F4: a default keeps the type it was given in") {
  const auto made = [](Column column, Constant value) {
    Mapping mapping = users();
    column.default_value = std::move(value);
    mapping.columns.push_back(std::move(column));
    Fixture f(std::move(mapping));
    f.run({R"({"_id":"a"})"});
    return f.row(0, 0).substr(std::string("a | NULL | NULL | ").size());
  };
  Column german = column("v", "numeric");
  german.policy.number = {',', '.'};
  CHECK(made(german, Constant(Value::of_double(1.234))) == "1.234");
  CHECK(made(german, "1.234") == "1234");
  Column strict = column("v", "int4");
  strict.policy.strict = true;
  CHECK(made(strict, Constant(Value::of(ValueType::kInt64, 0))) == "0");
  CHECK(made(strict, "7") == "7");
  Column text = column("v", "text");
  text.policy.empty_null = text.policy.trim = true;
  CHECK(made(text, "").empty());
  CHECK(made(text, " x ") == " x ");
  CHECK(made(column("v", "int8"), Constant(Value::of(ValueType::kInt64, INT64_MAX))) ==
        "9223372036854775807");
  CHECK(made(column("v", "timestamptz"), Constant(Value::of(ValueType::kDate, int64_t{0}))) ==
        "1970-01-01T00:00:00Z");
  CHECK(made(column("v", "bool"), Constant(Value::of(ValueType::kBool, 1))) == "true");
  const std::string list = bson_from_json(R"({"a":[1,2]})");
  CHECK(made(column("v", "int4[]"), Constant(bson_field(as_bytes(list), "a"))) == "{1,2}");
  CHECK_THROWS_WITH(made(strict, "x"), ContainsSubstring("default"));
  Column small = column("v", "int2");
  CHECK_THROWS_WITH(made(small, Constant(Value::of(ValueType::kInt64, 70000))),
                    ContainsSubstring("out of range"));
}

TEST_CASE("F18: an element without fields is told as that element") {
  Mapping mapping = users();
  mapping.children = {child({column("sku", "text")})};
  Fixture f(std::move(mapping));
  f.run({R"({"_id":"a","lines":[{"sku":"x"},5]})"});
  REQUIRE(f.batch.refusals.size() == 1);
  CHECK(f.batch.refusals[0].failure == Failure::kNoFields);
  CHECK(failure_code(Failure::kNoFields) == "wrong_type");
}
