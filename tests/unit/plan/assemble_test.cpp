// A mapping turned around: documents to rows and back.
#include "plan/assemble.hpp"

#include <algorithm>
#include <map>

#include "plan/plan_support.hpp"
#include "random_bson.hpp"
#include "value/json_writer.hpp"
#include "value/path.hpp"

using namespace lugger;
using namespace lugger::test;
using Verdict = ColumnInverse::Verdict;

namespace {

/// Canonical Extended JSON with the fields of documents in one order.
std::string ordered(const Value& value) {
  if (value.type != ValueType::kDocument && value.type != ValueType::kArray)
    return value_json(value, JsonStyle::kCanonical);
  std::vector<std::string> parts;
  const bool array = value.type == ValueType::kArray;
  for (BsonReader reader(value.bytes()); reader.next();)
    parts.push_back((array ? "" : std::string(reader.name()) + ": ") + ordered(reader.value()));
  if (!array) std::sort(parts.begin(), parts.end());
  std::string out = array ? "[" : "{";
  for (const std::string& part : parts) out += part + ", ";
  return out + (array ? "]" : "}");
}

std::string ordered(std::string_view bson) {
  return ordered(Value::of(ValueType::kDocument, bson));
}

Value at_path(Bytes document, const std::string& path) {
  Value value = Value::of(ValueType::kDocument, document);
  for (const std::string& name : split_path(path)) {
    if (value.type != ValueType::kDocument) return {};
    value = bson_field(value.bytes(), name);
  }
  return value;
}

/// The documents that a run keeps, as they come back; refused ones are empty.
std::vector<std::string> assembled(Fixture& run) {
  Assembler assembler(*run.shape);
  std::vector<std::string> out(run.batch.documents.size());
  for (size_t t = 0; t < run.shape->own_tables(); ++t) {
    const RowSet& own = run.batch.tables[t];
    for (size_t i = 0; i < own.rows(); ++i) {
      const uint32_t document = own.document(i);
      if (run.batch.fates[document] != Fate::kLoad) continue;
      DocumentRows rows{t, own.row(i), {}};
      rows.children.resize(run.shape->tables().size());
      for (size_t c = run.shape->own_tables(); c < rows.children.size(); ++c) {
        const RowSet& set = run.batch.tables[c];
        for (size_t row = set.rows(); row-- > 0;)  // any order will do
          if (set.document(row) == document) rows.children[c].push_back(set.row(row));
      }
      ByteBuffer bson;
      assembler.append(rows, run.arena, bson);
      out[document] = std::string(bson.text());
    }
  }
  return out;
}

std::string back(Mapping mapping, const std::string& json) {
  Fixture run(std::move(mapping));
  run.run({json});
  REQUIRE(run.batch.fates[0] == Fate::kLoad);
  return value_json(Value::of(ValueType::kDocument, assembled(run)[0]), JsonStyle::kRelaxed);
}

Mapping with(std::vector<Column> columns) {
  Mapping mapping = users();
  mapping.columns = std::move(columns);
  mapping.columns.insert(mapping.columns.begin(), column("mongo_id", "text", "_id"));
  return mapping;
}

Column typed(std::string name, std::string from, std::string_view type = "jsonb") {
  Column out = column(std::move(name), type, std::move(from));
  out.policy.json = JsonStyle::kTyped;
  return out;
}

ChildMapping child(std::string table, std::string from, std::vector<Column> columns) {
  ChildMapping out;
  out.table = std::move(table);
  out.from = std::move(from);
  out.columns = std::move(columns);
  return out;
}

std::string words(const Mapping& mapping, std::string_view name, bool hook = false) {
  const PlanShape shape{Mapping(mapping)};
  for (const ColumnInverse& inverse : invert(shape, hook).columns)
    if (shape.tables()[inverse.table].columns[inverse.column].name == name) return inverse.words;
  return "no such column";
}

// Random mappings and documents ---------------------------------------------------------------

struct KindOfColumn {
  const char* sql;
  ValueType natural;
  JsonStyle style = JsonStyle::kPlain;
};

const std::vector<KindOfColumn> kKinds = {
    {"bool", ValueType::kBool},
    {"int4", ValueType::kInt32},
    {"int8", ValueType::kInt64},
    {"float4", ValueType::kInt32},
    {"float8", ValueType::kDouble},
    {"numeric", ValueType::kDecimal},
    {"text", ValueType::kString},
    {"varchar(30)", ValueType::kString},
    {"bytea", ValueType::kBinary},
    {"uuid", ValueType::kBinary},
    {"date", ValueType::kDate},
    {"timestamptz", ValueType::kDate},
    {"timestamp", ValueType::kDate},
    {"text[]", ValueType::kArray},
    {"jsonb[]", ValueType::kArray, JsonStyle::kTyped},
    {"int8[]", ValueType::kArray},
    {"mood", ValueType::kString},
    {"jsonb", ValueType::kDocument},
    {"jsonb", ValueType::kArray, JsonStyle::kTyped},
    {"jsonb", ValueType::kDocument, JsonStyle::kTyped},
    {"json", ValueType::kDocument, JsonStyle::kCanonical},
    {"json", ValueType::kDocument, JsonStyle::kRelaxed},
};

/// A column of a random kind with random policies, and the type that it mostly finds.
Column random_column(RandomBson& random, std::string name, std::string from,
                     std::map<std::string, ValueType>& natural) {
  const KindOfColumn& kind = random.one_of(kKinds);
  Column out = column(std::move(name), kind.sql, from);
  natural[from] = kind.natural;
  CoercePolicy& policy = out.policy;
  policy.json = kind.style;
  policy.strict = random.chance(30);
  policy.json_null = random.chance(40);
  policy.trim = random.chance(10);
  policy.empty_null = random.chance(10);
  if (random.chance(10)) policy.fraction = CoercePolicy::Fraction::kTruncate;
  if (random.chance(10)) policy.labels = {"x", "1"};
  if (random.chance(10)) out.on_error = OnError::kNull;
  out.required = random.chance(20);
  return out;
}

class Documents {
 public:
  Documents(RandomBson& random, const std::map<std::string, ValueType>& natural)
      : random_(random), natural_(natural) {}

  std::string make() {
    ByteBuffer out;
    BsonWriter writer(out);
    writer.begin_document();
    writer.append("_id", random_.value());
    for (const char* name : {"a", "b", "c", "d"}) put(writer, name, name);
    nested(writer);
    for (const char* name : {"free", "more"}) put(writer, name, name);
    elements(writer);
    writer.end();
    return std::string(out.text());
  }

 private:
  void put(BsonWriter& writer, const char* name, const char* path) {
    if (random_.chance(20)) return;
    if (random_.chance(5)) return writer.append(name, Value::null());
    const auto natural = natural_.find(path);
    const bool any = natural == natural_.end() || random_.chance(7);
    writer.append(name, any ? random_.value() : random_.value(natural->second));
  }
  void nested(BsonWriter& writer) {
    if (random_.chance(20)) return put(writer, "n", "n");
    writer.begin_document("n");
    put(writer, "x", "n.x");
    put(writer, "free", "free");
    put(writer, "y", "n.y");
    writer.end();
  }
  void elements(BsonWriter& writer) {
    if (random_.chance(20)) return;
    writer.begin_array("list");
    for (size_t i = 0; i <= random_.below(3); ++i) {
      writer.begin_document();
      put(writer, "p", "p");
      put(writer, "free", "free");
      if (random_.chance(70)) {
        writer.begin_array("sub");
        for (size_t k = 0; k <= random_.below(3); ++k)
          writer.append(random_.value(ValueType::kInt32));
        writer.end();
      }
      writer.end();
    }
    writer.end();
  }

  RandomBson& random_;
  const std::map<std::string, ValueType>& natural_;
};

/// Where the report promises it, what came back is what was; true: all of the document is.
bool check_column(const ColumnInverse& inverse, const std::string& from, Bytes was, Bytes is) {
  const bool given = inverse.verdict == Verdict::kSame || inverse.verdict == Verdict::kChanged;
  if (!given || from == "*" || from == ".") return true;
  const Value before = at_path(was, from);
  INFO(from << ": " << inverse.words);
  if (!inverse.exact.has(before.type)) {
    CHECK(inverse.verdict != Verdict::kSame);
    return false;
  }
  CHECK(ordered(at_path(is, from)) == ordered(before));
  return true;
}

}  // namespace

TEST_CASE("where a mapping promises it, random documents come back as they were") {
  size_t compared = 0, whole = 0;
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    RandomBson random(seed);
    std::map<std::string, ValueType> natural;
    std::vector<Column> columns;
    for (const char* path : {"a", "b", "c", "d", "n.x", "n.y"})
      columns.push_back(random_column(random, path, path, natural));
    columns.push_back(column("rest", "jsonb", "*"));
    Mapping mapping = with(std::move(columns));
    ChildMapping list = child(
        "list", "list[]", {random_column(random, "p", "p", natural), column("rest", "jsonb", "*")});
    list.children.push_back(child("sub", "sub[]", {typed("item", ".")}));
    mapping.children.push_back(std::move(list));
    Fixture run(mapping);
    Documents documents(random, natural);
    for (int i = 0; i < 40; ++i) run.bson.push_back(documents.make());
    run.run({});
    const MappingInverse inverse = invert(*run.shape, false);
    const std::vector<std::string> made = assembled(run);
    for (size_t d = 0; d < made.size(); ++d) {
      if (made[d].empty()) continue;
      ++compared;
      bool all = true;
      const Bytes was = as_bytes(run.bson[d]), is = as_bytes(made[d]);
      INFO(seed << ": " << ordered(run.bson[d]) << "\n" << ordered(made[d]));
      REQUIRE(validate_bson(is) == BsonFault::kNone);
      for (const ColumnInverse& column : inverse.columns) {
        const std::string& from = run.shape->tables()[column.table].columns[column.column].from;
        if (column.table == 0) {
          all = check_column(column, from, was, is) && all;
          continue;
        }
        const Value then = bson_field(was, "list"), now = bson_field(is, "list");
        if (column.table != 1 || then.type != ValueType::kArray) continue;
        REQUIRE(now.type == ValueType::kArray);
        BsonReader after(now.bytes());
        for (BsonReader before(then.bytes()); before.next();) {
          REQUIRE(after.next());
          all = check_column(column, from, before.value().bytes(), after.value().bytes()) && all;
        }
      }
      if (!all) continue;
      ++whole;
      CHECK(ordered(made[d]) == ordered(run.bson[d]));
    }
  }
  CHECK(compared > 500);
  CHECK(whole > 20);
}

TEST_CASE("columns go back to their paths, around what the rest kept") {
  CHECK(back(with({column("city", "text", "address.city"), column("rest", "jsonb", "*")}),
             R"({"z": 1, "address": {"zip": 2, "city": "Rome"}, "_id": "x"})") ==
        R"({"_id":"x","address":{"city":"Rome","zip":2},"z":1})");
  CHECK(back(with({column("city", "text", "address.city"), column("rest", "jsonb", "*")}),
             R"({"_id": "x", "address": {}})") == R"({"_id":"x","address":{}})");
  CHECK(back(with({column("dotted", "text", "a\\.b")}), R"({"_id": 1, "a.b": "x"})") ==
        R"({"_id":1,"a.b":"x"})");
}

TEST_CASE("an id that no column has but the rest comes first") {
  Mapping mapping = users();
  mapping.key = {"id"};
  mapping.columns = {column("id", "uuid"), column("age", "int4"), column("rest", "jsonb", "*")};
  mapping.columns[0].generate = Column::Generate::kV5;
  CHECK(back(mapping, R"({"age": 5, "_id": {"$oid": "64f1c0a1b2c3d4e5f6071829"}})") ==
        R"({"_id":{"$oid":"64f1c0a1b2c3d4e5f6071829"},"age":5})");
  CHECK(invert(PlanShape(mapping), false).possible);
}

TEST_CASE("child tables go back by their places, nested ones too") {
  Mapping mapping = with({});
  ChildMapping orders = child("orders", "o.orders[]", {column("n", "int4")});
  orders.children.push_back(child("lines", "lines[]", {column("sku", "text")}));
  mapping.children = {orders, child("tags", "tags[]", {typed("tag", ".")})};
  const std::string json = R"({"_id":1,"o":{"orders":[{"n":1,"lines":[{"sku":"a"},{"sku":"b"}]},)"
                           R"({"n":2,"lines":[{"sku":"c"}]}]},"tags":["x",null,5]})";
  CHECK(back(mapping, json) == json);
}

TEST_CASE("routed documents come back from whichever table has them") {
  Mapping mapping = with({column("kind", "text"), column("rest", "jsonb", "*")});
  mapping.route = {"kind", {{"a", "as"}, {"b", "bs"}}, ""};
  mapping.children = {child("tags", "tags[]", {column("tag", "text", ".")})};
  Fixture run(mapping);
  run.run({R"({"_id":1,"kind":"b","x":1})", R"({"_id":2,"kind":"a","tags":["t"]})"});
  const std::vector<std::string> made = assembled(run);
  CHECK(ordered(made[0]) == ordered(run.bson[0]));
  CHECK(ordered(made[1]) == ordered(run.bson[1]));
}

TEST_CASE("of two columns from one field the one that keeps more gives it back") {
  const Mapping mapping = with({column("v_text", "text", "v"), typed("v", "v"),
                                column("v_d", "int4", "v.d"), column("rest", "jsonb", "*")});
  CHECK(back(mapping, R"({"_id": 1, "v": {"d": 5, "e": 6}})") == R"({"_id":1,"v":{"d":5,"e":6}})");
  CHECK(words(mapping, "v_text") == "comes back by column v");
  CHECK(words(mapping, "v_d") == "comes back by column v");
}

TEST_CASE("what cannot come back is said") {
  Column strict = column("v", "text");
  strict.policy.strict = strict.required = true;
  CHECK(words(with({strict}), "v") == "comes back as a string");  // a symbol is a string by then
  Column flag = column("v", "bool");
  flag.policy.strict = flag.required = true;
  CHECK(words(with({flag}), "v") == "comes back as it was");
  CHECK(words(with({flag}), "v", true) == "comes back as it was, as the hook left it");
  CHECK(words(with({column("v", "int4")}), "v") == "comes back as an int32; null as no field");
  Column typed_null = typed("v", "v");
  typed_null.policy.json_null = true;
  CHECK(words(with({typed_null}), "v") == "comes back as it was");
  CHECK(words(with({column("rest", "jsonb", "*")}), "rest") == "comes back as it was");
  CHECK(
      words(with({column("v", "text", "lines.0.sku")}), "v").starts_with("does not come back: 0"));
  CHECK(words(with({}), "mongo_id") ==
        "comes back as it was, a number as one that MongoDB holds equal");
  Column fallback = column("v", "int4");
  fallback.default_value = Constant("5");
  CHECK(words(with({fallback}), "v") == "comes back as an int32; null and no field as the default");
  Mapping none = users();
  none.key = {"age"};
  none.columns.erase(none.columns.begin());
  CHECK_FALSE(invert(PlanShape(none), false).possible);
  CHECK(invert(PlanShape(users()), false).possible);
}
