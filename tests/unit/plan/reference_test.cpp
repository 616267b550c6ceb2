#include "plan/reference.hpp"

#include "base/error.hpp"
#include "catch.hpp"
#include "plan/plan.hpp"
#include "value/json_reader.hpp"

using namespace lugger;

namespace {

Column column(std::string name, std::string_view type, std::string from) {
  Column out;
  out.name = std::move(name);
  out.type = parse_column_type(type);
  out.from = std::move(from);
  out.id_text_column = out.from == "_id" && out.type.kind == Kind::kText;
  return out;
}

Reference users() {
  Reference ref;
  ref.collection = "users";
  return ref;
}

Column refers(std::string name, std::string_view type, std::string from, Reference ref = users()) {
  Column out = column(std::move(name), type, std::move(from));
  out.policy.ref = std::make_shared<const Reference>(std::move(ref));
  return out;
}

Mapping posts(std::vector<Column> more) {
  Mapping mapping;
  mapping.table = "posts";
  mapping.database = "shop";
  mapping.collection = "posts";
  mapping.key = {"mongo_id"};
  mapping.columns = {column("mongo_id", "text", "_id")};
  for (Column& c : more) mapping.columns.push_back(std::move(c));
  return mapping;
}

/// The row of users that a document with this _id becomes: its id and its mongo_id.
std::pair<std::string, std::string> user_row(const std::string& id_json) {
  Mapping mapping;
  mapping.table = mapping.collection = "users";
  mapping.database = "shop";
  mapping.key = {"mongo_id"};
  mapping.columns = {column("mongo_id", "text", "_id"), column("id", "uuid", "")};
  mapping.columns[1].generate = Column::Generate::kV5;
  Arena arena;
  Batch batch{arena};
  Plan plan(std::make_shared<const PlanShape>(std::move(mapping)));
  const std::string bson = bson_from_json("{\"_id\":" + id_json + "}");
  batch.documents.push_back({reinterpret_cast<const uint8_t*>(bson.data()),
                             static_cast<uint32_t>(bson.size()), Format::kBson, nullptr});
  plan.run(batch, nullptr);
  const Value* row = batch.tables[0].row(0);
  return {coerced_text(row[1], parse_column_type("uuid")),
          coerced_text(row[0], parse_column_type("text"))};
}

struct Loaded {
  explicit Loaded(Mapping mapping, RowHook* hook = nullptr)
      : shape(std::make_shared<const PlanShape>(std::move(mapping))),
        plan(shape, hook != nullptr),
        with(hook) {}
  void add(const std::string& json) {
    bson.push_back(bson_from_json(json));
    batch.documents.clear();
    for (const std::string& bytes : bson)
      batch.documents.push_back({reinterpret_cast<const uint8_t*>(bytes.data()),
                                 static_cast<uint32_t>(bytes.size()), Format::kBson, nullptr});
    for (RowSet& set : batch.tables) set.clear();
    batch.refusals.clear();
    plan.run(batch, with);
  }
  std::string cell(size_t table, size_t row, size_t column) const {
    const Value& value = batch.tables[table].row(row)[column];
    return value.type == ValueType::kNull
               ? "NULL"
               : coerced_text(value, shape->tables()[table].columns[column].type);
  }
  Arena arena;
  Batch batch{arena};
  std::shared_ptr<const PlanShape> shape;
  Plan plan;
  RowHook* with;
  std::vector<std::string> bson;
};

constexpr const char* kAnn = R"({"$oid":"64f1c0a1b2c3d4e5f6071829"})";

}  // namespace

TEST_CASE("S0-15 a ref is the id the other document's row gets, whatever type its _id has") {
  Loaded f(posts({refers("author_id", "uuid", "author"), refers("author_text", "text", "author")}));
  const std::vector<std::string> ids = {kAnn,
                                        "7",
                                        R"({"$numberLong":"7"})",
                                        "\"7\"",
                                        "\"64f1c0a1b2c3d4e5f6071829\"",
                                        R"({"a":1,"b":"x"})",
                                        R"({"$date":{"$numberLong":"5"}})",
                                        "true"};
  for (const std::string& id : ids) f.add("{\"_id\":1,\"author\":" + id + "}");
  for (size_t i = 0; i < ids.size(); ++i) {
    INFO(ids[i]);
    const auto [uuid, text] = user_row(ids[i]);
    CHECK(f.cell(0, i, 1) == uuid);
    CHECK(f.cell(0, i, 2) == text);
  }
}

TEST_CASE("a ref of null and missing is NULL") {
  Loaded f(posts({refers("author_id", "uuid", "author")}));
  f.add(R"({"_id":1})");
  f.add(R"({"_id":2,"author":null})");
  f.add(R"({"_id":3,"author":{"$ref":"users","$id":null}})");
  for (size_t i = 0; i < 3; ++i) CHECK(f.cell(0, i, 1) == "NULL");
}

TEST_CASE("a DBRef is taken apart, and refused when it points elsewhere") {
  Loaded f(posts({refers("author_id", "uuid", "author")}));
  const std::string id = kAnn;
  f.add(R"({"_id":1,"author":{"$ref":"users","$id":)" + id + "}}");
  f.add(R"({"_id":2,"author":{"$ref":"users","$id":)" + id + R"(,"$db":"shop","note":1}})");
  CHECK(f.cell(0, 0, 1) == user_row(id).first);
  CHECK(f.cell(0, 1, 1) == user_row(id).first);
  f.add(R"({"_id":3,"author":{"$ref":"staff","$id":)" + id + "}}");
  f.add(R"({"_id":4,"author":{"$ref":"users","$id":)" + id + R"(,"$db":"other"}})");
  REQUIRE(f.batch.refusals.size() == 2);
  CHECK(f.batch.refusals[0].failure == Failure::kOtherCollection);
  CHECK(f.batch.refusals[1].failure == Failure::kOtherCollection);
  f.add(R"({"_id":5,"author":[1]})");
  REQUIRE(f.batch.refusals.size() == 3);
  CHECK(f.batch.refusals[2].failure == Failure::kWrongType);
}

TEST_CASE("arrays and child rows hold references too") {
  Mapping mapping = posts({refers("reader_ids", "uuid[]", "readers")});
  ChildMapping child;
  child.table = "post_readers";
  child.from = "readers[]";
  child.columns = {refers("reader_id", "uuid", ".")};
  mapping.children = {child};
  Loaded f(std::move(mapping));
  f.add(std::string(R"({"_id":1,"readers":[)") + kAnn + R"(,{"$ref":"users","$id":7},null]})");
  CHECK(f.cell(0, 0, 1) == "{" + user_row(kAnn).first + "," + user_row("7").first + ",NULL}");
  CHECK(f.cell(1, 0, 2) == user_row(kAnn).first);
  CHECK(f.cell(1, 1, 2) == user_row("7").first);
  CHECK(f.cell(1, 2, 2) == "NULL");
}

TEST_CASE("from_hex takes hex digits in a string for an ObjectId") {
  Reference ref = users();
  ref.from_hex = true;
  Loaded f(posts({refers("author_id", "uuid", "author", ref)}));
  f.add(R"({"_id":1,"author":"64F1C0A1B2C3D4E5F6071829"})");
  f.add(R"({"_id":2,"author":"ann"})");
  CHECK(f.cell(0, 0, 1) == user_row(kAnn).first);
  CHECK(f.cell(0, 1, 1) == user_row("\"ann\"").first);
}

TEST_CASE("a hook may write an _id or a finished reference") {
  struct Writer : RowHook {
    void apply(Batch& batch) override {
      const auto write = [&](size_t row, size_t column, std::string_view text) {
        Value& slot = batch.tables[0].row(row)[column];
        slot = Value::of(ValueType::kString, text);
        slot.flags = Value::kWritten;
      };
      write(0, 1, "00112233-4455-6677-8899-aabbccddeeff");
      write(0, 2, "64f1c0a1b2c3d4e5f6071829");
      if (batch.documents.size() > 1) write(1, 1, "ann");
    }
  } hook;
  Loaded f(posts({refers("author_id", "uuid", "author"), refers("author_text", "text", "author")}),
           &hook);
  f.add(R"({"_id":1,"author":1})");
  f.add(std::string(R"({"_id":2,"author":)") + kAnn + "}");
  CHECK(f.cell(0, 0, 1) == "00112233-4455-6677-8899-aabbccddeeff");
  CHECK(f.cell(0, 0, 2) == "64f1c0a1b2c3d4e5f6071829");
  CHECK(f.cell(0, 1, 1) == user_row("\"ann\"").first);
  CHECK(f.cell(0, 1, 2) == "64f1c0a1b2c3d4e5f6071829");
}

TEST_CASE("a default of a ref is given as it is stored") {
  Column c = refers("author_id", "uuid", "author");
  c.default_value = "00112233-4455-6677-8899-aabbccddeeff";
  Loaded f(posts({c}));
  f.add(R"({"_id":1})");
  CHECK(f.cell(0, 0, 1) == "00112233-4455-6677-8899-aabbccddeeff");
}

TEST_CASE("a ref is bound to its database, table and column") {
  Loaded f(posts({refers("author_id", "uuid", "author"), refers("author_text", "text", "author")}));
  const std::vector<Column>& columns = f.shape->tables()[0].columns;
  CHECK(columns[1].policy.ref->database == "shop");
  CHECK(columns[1].policy.ref->table == "users");
  CHECK(columns[1].policy.ref->column == "id");
  CHECK(columns[2].policy.ref->column == "mongo_id");
  CHECK(describe_reference(columns[1], Value::of(ValueType::kInt32, 7)) == "id of shop.users $n:7");
}

TEST_CASE("a ref that cannot be is refused by name") {
  CHECK_THROWS_AS(Loaded(posts({refers("author_id", "int4", "author")})), Error);
  Reference ref = users();
  ref.foreign_key = true;
  CHECK_THROWS_AS(Loaded(posts({refers("author_ids", "uuid[]", "authors", ref)})), Error);
  Column c = refers("author_id", "uuid", "author");
  c.generate = Column::Generate::kV7;
  CHECK_THROWS_AS(Loaded(posts({c})), Error);
}
