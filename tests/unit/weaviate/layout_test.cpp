#include "weaviate/layout.hpp"

#include "catch.hpp"
#include "mapping.hpp"
#include "value/pgrow_reader.hpp"
#include "weaviate/object_id.hpp"
#include "weaviate/object_writer.hpp"

namespace lugger::test {
namespace {

LayoutOptions options() {
  LayoutOptions out;
  out.class_name = "Docs";
  out.distance = "dot";
  out.index_type = "flat";
  return out;
}

Value text(std::string_view words) { return Value::of(ValueType::kString, words); }

std::string problems_of(const PlanShape& plan, const WeaviateClass* there, LayoutOptions names) {
  return fmt::format("{}", fmt::join(class_layout(plan, there, names).problems, "\n"));
}

}  // namespace

TEST_CASE("an id is the uuid of its key, or made of its text as Weaviate's clients do") {
  const PlanShape kept = shape({column("id", "uuid")}, {"id"});
  const ObjectIds same(kept.tables()[0]);
  Uuid uuid{};
  uuid[3] = 7;
  const Value row[] = {Value::of(ValueType::kUuid, Bytes(uuid))};
  CHECK(same.is_key());
  CHECK(*same.of(row) == uuid);
  CHECK_FALSE(same.of(std::vector{std::optional<std::string>("no uuid")}).has_value());

  const PlanShape made = shape({column("a", "text"), column("b", "int4")}, {"a"});
  const ObjectIds ids(made.tables()[0]);
  const Value one[] = {text("hello"), Value::of(ValueType::kInt64, 5)};
  CHECK(uuid_text(ids.of(one)->data()) == "9342d47a-1bab-5709-9869-c840b2eac501");
  const Value none[] = {Value::null(), Value::null()};
  CHECK_FALSE(ids.of(none).has_value());

  const PlanShape both = shape({column("a", "text"), column("b", "int4")}, {"a", "b"});
  const ObjectIds pairs(both.tables()[0]);
  CHECK(pairs.of(one) == pairs.of(std::vector<std::optional<std::string>>{"hello", "5"}));
  CHECK(pairs.of(one) != ids.of(one));
}

TEST_CASE("a class is made with the vectors and properties of the columns") {
  const PlanShape plan =
      shape({column("doc", "text"), column("Title", "varchar(9)"), column("e", "vector(2)"),
             column("h", "halfvec"), column("tags", "int8[]"), column("raw", "bytea")},
            {"doc"});
  LayoutOptions names = options();
  names.tenant = "acme";
  const ClassLayout layout = class_layout(plan, nullptr, names);
  CHECK(layout.problems.empty());
  const std::string index = R"("vectorIndexType":"flat","vectorIndexConfig":{"distance":"dot"}})";
  CHECK(class_definition(plan, layout, names) ==
        R"({"class":"Docs","properties":[{"name":"doc","dataType":["text"]},)"
        R"({"name":"title","dataType":["text"]},{"name":"tags","dataType":["int[]"]},)"
        R"({"name":"raw","dataType":["blob"]}],"vectorConfig":{"e":{"vectorizer":{"none":{}},)" +
            index + R"(,"h":{"vectorizer":{"none":{}},)" + index +
            R"(},"multiTenancyConfig":{"enabled":true}})");
}

TEST_CASE("what a class cannot hold is named") {
  const PlanShape odd =
      shape({column("id", "text"), column("a b", "text"), column("s", "sparsevec(3)"),
             column("x", "text"), column("X", "text")},
            {"x"});
  const std::string said = problems_of(odd, nullptr, options());
  for (const char* words : {"can be called id", "can be called a b", "sparse", "would be x"})
    CHECK_THAT(said, ContainsSubstring(words));

  WeaviateClass there;
  there.name = "Docs";
  there.properties = {{"x", "int"}, {"link", "Other", true}};
  there.tenants = true;
  const PlanShape other = shape({column("x", "text"), column("link", "text"), column("y", "text"),
                                 column("e", "vector"), column("f", "vector")},
                                {"x"});
  const std::string refused = problems_of(other, &there, options());
  for (const char* words : {"which the property x, int, cannot hold", "references to Other",
                            "has no property y", "one vector", "has tenants"})
    CHECK_THAT(refused, ContainsSubstring(words));
}

TEST_CASE("numbers that a property of objects rounds are told") {
  WeaviateClass there;
  there.name = "Docs";
  there.properties = {{"x", "text"}, {"o", "object"}, {"g", "geoCoordinates"}};
  const PlanShape plan =
      shape({column("x", "text"), column("o", "jsonb"), column("g", "jsonb")}, {"x"});
  const ClassLayout layout = class_layout(plan, &there, options());
  CHECK(layout.problems.empty());
  const std::string said = fmt::format("{}", fmt::join(layout.warnings, "\n"));
  CHECK_THAT(
      said, ContainsSubstring("o: Weaviate keeps numbers in a property of type object as doubles"));
  CHECK_THAT(said, ContainsSubstring("type geoCoordinates as 32-bit floats"));
}

TEST_CASE("many vectors and references have columns of their own") {
  const PlanShape plan = shape({column("id", "uuid"), column("m", "vector(2)[]"),
                                column("author", "uuid"), column("about", "text[]")},
                               {"id"});
  CHECK_THAT(class_definition(plan, class_layout(plan, nullptr, options()), options()),
             ContainsSubstring(R"("vectorIndexType":"hnsw","vectorIndexConfig":{"distance":"dot",)"
                               R"("multivector":{"enabled":true}})"));
  WeaviateClass there;
  there.name = "Docs";
  there.properties = {{"author", "People", true}, {"about", "People,Docs", true}};
  there.vectors = {"m"};
  there.indexes["m"].many = true;
  const ClassLayout layout = class_layout(plan, &there, options());
  CHECK(layout.problems.empty());
  CHECK(layout.has_references());
  Uuid uuid{};
  const std::string id = uuid_text(uuid.data());
  const std::string many = R"({"[1,2]","[3,4]"})";
  Value row[] = {Value::of(ValueType::kUuid, Bytes(uuid)), Value::of(ValueType::kPgText, many),
                 Value::of(ValueType::kUuid, Bytes(uuid)), Value::null()};
  int at = -1;
  ByteBuffer out;
  ObjectWriter first(plan.tables()[0], layout, false), second(plan.tables()[0], layout, true);
  CHECK(first.refers(row));
  CHECK(first.append(row, at, out) == Failure::kNone);
  const std::string end = R"(},"vectors":{"m":[[1,2],[3,4]]}})";
  CHECK(out.text() == R"({"class":"Docs","id":")" + id + R"(","properties":{)" + end);
  out.clear();
  CHECK(second.append(row, at, out) == Failure::kNone);
  CHECK(out.text() == R"({"class":"Docs","id":")" + id +
                          R"(","properties":{"author":[{"beacon":"weaviate://localhost/People/)" +
                          id + R"("}])" + end);
  for (const char* text : {R"({"[1,2]"],"x":[1})", R"({[1,NULL]})", "{}", "[1,2]"}) {
    row[1] = Value::of(ValueType::kPgText, std::string_view(text));
    CHECK(first.append(row, at, out) != Failure::kNone);
    CHECK(at == 1);
  }
  there.indexes["m"].many = false;
  CHECK_THAT(problems_of(plan, &there, options()), ContainsSubstring("has one vector called m"));
}

TEST_CASE("a single vector column goes to the single vector of a class") {
  const PlanShape plan = shape({column("x", "text"), column("e", "vector")}, {"x"});
  WeaviateClass there;
  there.name = "Docs";
  there.properties = {{"x", "text"}};
  CHECK(class_layout(plan, &there, options()).slots[1].name.empty());
  there.vectors = {"default"};
  CHECK(class_layout(plan, &there, options()).slots[1].name == "default");
  there.vectors = {"default", "e"};
  CHECK(class_layout(plan, &there, options()).slots[1].name == "e");
  there.vectors = {"a", "b"};
  CHECK_THAT(problems_of(plan, &there, options()), ContainsSubstring("none of the vectors"));
}

TEST_CASE("a row is written as an object, or refused by its column") {
  const PlanShape plan = shape({column("doc", "text"), column("n", "int8"), column("x", "float8"),
                                column("day", "date"), column("e", "vector")},
                               {"doc"});
  const ClassLayout layout = class_layout(plan, nullptr, options());
  ObjectWriter writer(plan.tables()[0], layout, false);
  ByteBuffer out;
  int at = -1;
  const float numbers[] = {-0.0F, 0.1F, 1e-45F};
  const auto* bytes = reinterpret_cast<const uint8_t*>(numbers);
  Value row[] = {text("q\"\n"), Value::of(ValueType::kInt64, int64_t{1} << 53), Value::null(),
                 Value::of(ValueType::kDay, 9),
                 Value::of(ValueType::kVector, Bytes(bytes, sizeof numbers))};
  CHECK(writer.append(row, at, out) == Failure::kNone);
  CHECK_THAT(
      std::string(out.text()),
      ContainsSubstring(R"("properties":{"doc":"q\"\n","n":9007199254740992,)"
                        R"("day":"2000-01-10T00:00:00Z"},"vectors":{"e":[-0.0,0.1,1e-45]}})"));
  row[1].i64 = (int64_t{1} << 53) + 1;
  CHECK(writer.append(row, at, out) == Failure::kInexact);
  CHECK(at == 1);
  row[1] = Value::null();
  row[2] = Value::of_double(std::numeric_limits<double>::infinity());
  CHECK(writer.append(row, at, out) == Failure::kNonFinite);
  row[2] = Value::null();
  row[3].i64 = 4000000;
  CHECK(writer.append(row, at, out) == Failure::kOutOfRange);
  CHECK(at == 3);
  row[0] = Value::null();
  CHECK(writer.append(row, at, out) == Failure::kRequired);
  CHECK(at == 0);
}

}  // namespace lugger::test
