#include "plan/plan_support.hpp"

using namespace lugger;
using namespace lugger::test;

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
  ChildMapping taxes{"taxes", "taxes[]", {column("rate", "numeric", ".")}, {}, "ordinal", "", {}};
  mapping.children = {
      {"lines", "order.lines[]", {column("sku", "text")}, {}, "ordinal", "", {taxes}}};
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
  mapping.children = {{"tags", "tags[]", {column("tag", "int4", ".")}, {}, "ordinal", "", {}}};
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
  mapping.children = {{"tags", "tags", {column("tag", "text", ".")}, {}, "ordinal", "", {}}};
  CHECK_THROWS_WITH(PlanShape(mapping), ContainsSubstring("tags[]"));
  mapping = users();
  mapping.on_conflict = OnConflict::kNewer;
  CHECK_THROWS_WITH(PlanShape(mapping), ContainsSubstring("newer = "));
  mapping = users();
  mapping.distribute = "agee";
  CHECK_THROWS_WITH(PlanShape(mapping), ContainsSubstring("did you mean age?"));
  mapping.distribute = "age";
  CHECK_THROWS_WITH(PlanShape(mapping), ContainsSubstring("(mongo_id) does not hold age"));
  mapping.key = {"mongo_id", "age"};
  CHECK_NOTHROW(PlanShape(mapping));
}
