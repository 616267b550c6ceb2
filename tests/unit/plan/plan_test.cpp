#include "plan/plan.hpp"

#include "base/digest.hpp"
#include "base/error.hpp"
#include "catch.hpp"
#include "value/bson_reader.hpp"
#include "value/json_reader.hpp"

using namespace lugger;

namespace {

Column column(std::string name, std::string_view type, std::string from = {}) {
  Column out;
  out.name = std::move(name);
  out.type = parse_column_type(type);
  out.from = std::move(from);
  if (out.from == "_id" && out.type.kind == Kind::kText) out.id_text_column = true;
  return out;
}

/// Runs documents, given as JSON, through a mapping and keeps the batch for looking at.
struct Fixture {
  explicit Fixture(Mapping mapping, RowHook* with = nullptr)
      : shape(std::make_shared<const PlanShape>(std::move(mapping))),
        plan(shape, with != nullptr),
        hook(with) {}

  void run(const std::vector<std::string>& documents) {
    for (const std::string& json : documents) bson.push_back(bson_from_json(json));
    for (const std::string& bytes : bson) {
      batch.documents.push_back({reinterpret_cast<const uint8_t*>(bytes.data()),
                                 static_cast<uint32_t>(bytes.size()), Format::kBson, nullptr});
    }
    plan.run(batch, hook);
  }
  /// A row's columns as text, NULL for null.
  std::string row(size_t table, size_t i) const {
    std::string out;
    const std::vector<Column>& columns = shape->tables()[table].columns;
    for (size_t c = 0; c < columns.size(); ++c) {
      const Value& value = batch.tables[table].row(i)[c];
      out += (c == 0 ? "" : " | ") +
             (value.type == ValueType::kNull ? "NULL" : coerced_text(value, columns[c].type));
    }
    return out;
  }

  Arena arena;
  Batch batch{arena};
  std::shared_ptr<const PlanShape> shape;
  Plan plan;
  RowHook* hook;
  std::vector<std::string> bson;
};

Mapping users() {
  Mapping mapping;
  mapping.table = "users";
  mapping.database = "shop";
  mapping.collection = "users";
  mapping.key = {"mongo_id"};
  mapping.columns = {column("mongo_id", "text", "_id"), column("city", "text", "address.city"),
                     column("age", "int4")};
  return mapping;
}

}  // namespace

TEST_CASE("columns find their paths, nested or not, in any order") {
  Fixture f(users());
  f.run({R"({"_id":"a","address":{"zip":1,"city":"Oslo"},"age":3})", R"({"age":4,"_id":"b"})"});
  CHECK(f.row(0, 0) == "a | Oslo | 3");
  CHECK(f.row(0, 1) == "b | NULL | 4");
  CHECK(f.plan.unmapped() == std::map<std::string, uint64_t>{{"address.zip", 1}});
}

TEST_CASE("what no column takes has its whole path, however deep beside the columns it lies") {
  Mapping mapping = users();
  mapping.columns.push_back(column("one", "text", "settings.display.theme.colours.first"));
  mapping.columns.push_back(column("two", "text", "settings.display.theme.colours.second"));
  mapping.columns.push_back(column("mail", "text", "settings.notices.mail"));
  Fixture f(mapping);
  f.run({R"({"_id":"a","settings":{"display":{"theme":{"colours":{"first":"red","third":"blue"}}},
             "notices":{"mail":"x","sms":"y"}}})"});
  CHECK(f.row(0, 0) == "a | NULL | NULL | red | NULL | x");
  CHECK(f.plan.unmapped() ==
        std::map<std::string, uint64_t>{{"settings.display.theme.colours.third", 1},
                                        {"settings.notices.sms", 1}});
}

TEST_CASE("a field without a name that no column takes is counted") {
  Fixture f(users());
  f.run({R"({"_id":"a","":1})"});
  CHECK(f.plan.unmapped() == std::map<std::string, uint64_t>{{"", 1}});
}

TEST_CASE("a value that does not fit refuses its document, once, by column") {
  Fixture f(users());
  f.run({R"({"_id":"a","age":"12abc"})", R"({"_id":"b","age":1})"});
  REQUIRE(f.batch.refusals.size() == 1);
  CHECK(f.batch.fates[0] == Fate::kReject);
  CHECK(f.batch.fates[1] == Fate::kLoad);
  CHECK(f.batch.refusals[0].column == 2);
  CHECK(f.batch.refusals[0].failure == Failure::kSyntax);
}

TEST_CASE("on_error null and default replace, and are counted") {
  Mapping mapping = users();
  mapping.columns[2].on_error = OnError::kNull;
  mapping.columns.push_back(column("level", "int4"));
  mapping.columns[3].on_error = OnError::kDefault;
  mapping.columns[3].default_value = Constant("7");
  Fixture f(std::move(mapping));
  f.run({R"({"_id":"a","age":"x","level":"y"})", R"({"_id":"b"})"});
  CHECK(f.row(0, 0) == "a | NULL | NULL | 7");
  CHECK(f.row(0, 1) == "b | NULL | NULL | 7");
  CHECK(f.plan.replaced() == std::map<std::string, uint64_t>{{"users.age", 1}, {"users.level", 1}});
}

TEST_CASE("a required column refuses missing and null") {
  Mapping mapping = users();
  mapping.columns[2].required = true;
  Fixture f(std::move(mapping));
  f.run({R"({"_id":"a"})", R"({"_id":"b","age":null})", R"({"_id":"c","age":1})"});
  CHECK(f.batch.refusals.size() == 2);
  CHECK(f.batch.fates[2] == Fate::kLoad);
}

TEST_CASE("the rest is what no other column took, in order, partly mapped documents included") {
  Mapping mapping = users();
  mapping.columns.push_back(column("rest", "json", "*"));
  Fixture f(std::move(mapping));
  f.run({R"({"_id":"a","z":1,"address":{"zip":{"$numberLong":"1"},"city":"Oslo"},"b":[true]})",
         R"({"_id":"b","address":{"city":"Oslo"}})", R"({"_id":"c","address":5})"});
  CHECK(f.row(0, 0) ==
        R"(a | Oslo | NULL | {"z":1,"address":{"zip":{"$numberLong":"1"}},"b":[true]})");
  CHECK(f.row(0, 1) == "b | Oslo | NULL | {}");
  CHECK(f.row(0, 2) == R"(c | NULL | NULL | {"address":5})");
  CHECK(f.plan.unmapped().empty());
}

TEST_CASE("arrays become child rows with the parent's key and an ordinal, to any depth") {
  Mapping mapping = users();
  ChildMapping taxes{"taxes", "taxes[]", {column("rate", "numeric", ".")}, {}, "ordinal", {}};
  mapping.children = {{"lines", "order.lines[]", {column("sku", "text")}, {}, "ordinal", {taxes}}};
  Fixture f(std::move(mapping));
  f.run({R"({"_id":"a","order":{"lines":[{"sku":"x","taxes":[1.5,2]},{"sku":"y"}]}})"});
  REQUIRE(f.shape->tables().size() == 3);
  CHECK(f.row(1, 0) == "a | 1 | x");
  CHECK(f.row(1, 1) == "a | 2 | y");
  CHECK(f.row(2, 0) == "a | 1 | 1 | 1.5");
  CHECK(f.row(2, 1) == "a | 1 | 2 | 2");
  std::vector<std::string> names;
  for (const Column& c : f.shape->tables()[2].columns) names.push_back(c.name);
  CHECK(names == std::vector<std::string>{"parent_mongo_id", "ordinal_1", "ordinal", "rate"});
}

TEST_CASE("a child that cannot be read refuses the whole document") {
  Mapping mapping = users();
  mapping.children = {{"tags", "tags[]", {column("tag", "int4", ".")}, {}, "ordinal", {}}};
  Fixture f(std::move(mapping));
  f.run({R"({"_id":"a","tags":[1,"no"]})", R"({"_id":"b","tags":"no array"})",
         R"({"_id":"c","tags":[]})"});
  CHECK(f.batch.fates[0] == Fate::kReject);
  CHECK(f.batch.fates[1] == Fate::kReject);
  CHECK(f.batch.fates[2] == Fate::kLoad);
}

TEST_CASE("documents go to the table their discriminator names") {
  Mapping mapping = users();
  mapping.route = {"kind", {{"staff", "staff"}, {"guest", "guests"}}, ""};
  Fixture f(std::move(mapping));
  f.run({R"({"_id":"a","kind":"guest"})", R"({"_id":"b","kind":"staff"})",
         R"({"_id":"c","kind":"ghost"})"});
  CHECK(f.batch.tables[*f.shape->own_table("guests")].rows() == 1);
  CHECK(f.batch.tables[*f.shape->own_table("staff")].rows() == 1);
  CHECK(f.batch.refusals.at(0).failure == Failure::kNoRoute);
}

TEST_CASE("ids are version 5 of collection and canonical _id") {
  Mapping mapping = users();
  mapping.columns.push_back(column("id", "uuid"));
  mapping.columns[3].generate = Column::Generate::kV5;
  Fixture f(std::move(mapping));
  f.run({R"({"_id":{"$oid":"64f1c0000000000000000001"}})"});
  const Uuid expected = uuid_v5(collection_namespace("shop", "users"), "64f1c0000000000000000001");
  CHECK(f.row(0, 0) == "64f1c0000000000000000001 | NULL | NULL | " + uuid_text(expected.data()));
}

TEST_CASE("what a hook writes passes the same coercers, and what it mends is no reject") {
  struct Hook : RowHook {
    void apply(Batch& batch) override {
      Value& age = batch.tables[0].row(0)[2];
      CHECK(age.text() == "twelve");
      age = Value::of(ValueType::kString, std::string_view("12"));
      age.flags = Value::kWritten;
      Value& other = batch.tables[0].row(1)[2];
      other = Value::of(ValueType::kString, std::string_view("no"));
      other.flags = Value::kWritten;
    }
  } hook;
  Fixture f(users(), &hook);
  f.run({R"({"_id":"a","age":"twelve"})", R"({"_id":"b","age":1})"});
  CHECK(f.row(0, 0) == "a | NULL | 12");
  CHECK(f.batch.fates[1] == Fate::kReject);
}

TEST_CASE("mistakes in a mapping are told before anything is read") {
  Mapping mapping = users();
  mapping.key = {"mongoid"};
  CHECK_THROWS_WITH(PlanShape(mapping), ContainsSubstring("did you mean mongo_id?"));
  mapping = users();
  mapping.columns.push_back(column("age", "int4"));
  CHECK_THROWS_WITH(PlanShape(mapping), ContainsSubstring("is there twice"));
  mapping = users();
  mapping.children = {{"tags", "tags", {column("tag", "text", ".")}, {}, "ordinal", {}}};
  CHECK_THROWS_WITH(PlanShape(mapping), ContainsSubstring("tags[]"));
  mapping = users();
  mapping.on_conflict = OnConflict::kNewer;
  CHECK_THROWS_WITH(PlanShape(mapping), ContainsSubstring("newer = "));
}

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
  return {"lines", "lines[]", std::move(columns), {}, "ordinal", {}};
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

TEST_CASE("F7: children come of the last array of a name") {
  Mapping mapping = users();
  mapping.columns = {column("mongo_id", "text", "_id")};
  mapping.children = {{"lines", "o.lines[]", {column("sku", "text")}, {}, "ordinal", {}}};
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
