// Values that come back: ids from their texts, BSON from typed JSON.
#include "random_bson.hpp"
#include "value/id_text.hpp"
#include "value/support.hpp"
#include "value/typed_json.hpp"

using namespace lugger;
using lugger::test::bson_of;
using lugger::test::RandomBson;

namespace {

std::string id_text(const Value& id) {
  ByteBuffer out;
  return append_id_text(id, IdStyle::kSafe, out) ? std::string(out.text()) : "refused";
}

/// Canonical Extended JSON of the id that a text stands for.
std::string id_back(std::string_view text) {
  ByteBuffer out;
  if (!append_id_of_text(text, out)) return "no id";
  return value_json(bson_field(out.view(), ""), JsonStyle::kCanonical);
}

bool holds_numbers(ValueType type) {
  return type == ValueType::kDocument || type == ValueType::kArray ||
         type == ValueType::kCodeWithScope;
}

/// A typed JSON and back, as canonical Extended JSON.
std::string typed_back(const Value& value, const JsonPolicy& policy = {}) {
  ByteBuffer json;
  if (write_json(value, JsonStyle::kTyped, policy, json) != JsonFault::kNone) return "refused";
  const std::string bson = bson_from_typed_json(json.text());
  return value_json(bson_field(as_bytes(bson), ""), JsonStyle::kCanonical);
}

}  // namespace

TEST_CASE("the id comes back from the text of every vector in docs/id-text.md") {
  const std::string vectors = bson_from_json(test::read_file("id_text_vectors.json"));
  for (BsonReader rows(bson_field(as_bytes(vectors), "").bytes()); rows.next();) {
    const Bytes row = rows.value().bytes();
    const std::string safe(bson_field(row, "safe").text());
    const Value id = bson_field(row, "id");
    INFO(safe);
    ByteBuffer out;
    REQUIRE(append_id_of_text(safe, out));
    const Value back = bson_field(out.view(), "");
    CHECK(id_text(back) == safe);
    if (!safe.starts_with("$n:") && !holds_numbers(id.type))
      CHECK(value_json(back, JsonStyle::kCanonical) == value_json(id, JsonStyle::kCanonical));
  }
}

TEST_CASE("random ids come back from their texts") {
  RandomBson random(1);
  for (int i = 0; i < 5000; ++i) {
    const std::string held = bson_of("", random.value());
    const Value id = bson_field(as_bytes(held), "");
    const std::string text = id_text(id), was = value_json(id, JsonStyle::kCanonical);
    INFO(was << " " << text);
    if (text == "refused") continue;
    ByteBuffer out;
    REQUIRE(append_id_of_text(text, out));
    const Value back = bson_field(out.view(), "");
    CHECK(id_text(back) == text);
    const bool number = id.type >= ValueType::kInt32 && id.type <= ValueType::kDecimal;
    if (!number && !holds_numbers(id.type)) CHECK(value_json(back, JsonStyle::kCanonical) == was);
  }
}

TEST_CASE("numbers among ids come back as an equal one") {
  CHECK(id_back("$n:1") == R"({"$numberInt":"1"})");
  CHECK(id_back("$n:5000000000") == R"({"$numberLong":"5000000000"})");
  CHECK(id_back("$n:0.5") == R"({"$numberDouble":"0.5"})");
  CHECK(id_back("$n:0.1") == R"({"$numberDecimal":"0.1"})");
  CHECK(id_back("$n:0.1000000000000000055511151231257827021181583404541015625") ==
        R"({"$numberDouble":"0.1"})");
  CHECK(id_back("$n:1e+22") == R"({"$numberDouble":"1E+22"})");
  CHECK(id_back("$n:1e+33") == R"({"$numberDecimal":"1E+33"})");
  CHECK(id_back("$n:NaN") == R"({"$numberDouble":"NaN"})");
}

TEST_CASE("what is no id's text gives none") {
  for (const char* text : {"$",
                           "$q:1",
                           "$n:",
                           "$n:x",
                           "$n:1.0",
                           "$b:maybe",
                           "$d:1.5",
                           "$u:zz",
                           "$x:0",
                           "$x:00",
                           "$x:00:?",
                           "$t:1",
                           "$t:1:4294967296",
                           "$o:",
                           "$o:{",
                           "$o:{\"a\": 1}",
                           "$r:{}",
                           "$u:00112233-4455-6677-8899-AABBCCDDEEFF",
                           "64F1C0A1B2C3D4E5F6071829",
                           "$s:plain"}) {
    INFO(text);
    CHECK(id_back(text) == "no id");
  }
}

TEST_CASE("typed JSON comes back whatever it held, also what looks like its own forms") {
  for (const bool tags : {false, true}) {
    RandomBson random(2, tags);
    for (int i = 0; i < 5000; ++i) {
      const std::string held = bson_of("", random.value());
      const Value value = bson_field(as_bytes(held), "");
      CHECK(typed_back(value) == value_json(value, JsonStyle::kCanonical));
    }
  }
}

TEST_CASE("text that JSON cannot hold comes back from its tag") {
  JsonPolicy policy;
  policy.nul = policy.utf8 = JsonPolicy::Text::kTag;
  for (const ValueType type : {ValueType::kString, ValueType::kCode, ValueType::kSymbol}) {
    const Value value = Value::of(type, std::string_view("a\0b\xff", 4));
    CHECK(typed_back(value, policy) == value_json(value, JsonStyle::kCanonical));
  }
}

TEST_CASE("a document that only looks like a tag stays one") {
  for (const char* json :
       {R"({"$oid":"short"})", R"({"$date":5})", R"({"$oid":"64f1","a":1})", R"({"":1})", R"([])",
        R"({"$binary":{}})", R"({"$timestamp":{"t":1}})"}) {
    const std::string bson = bson_from_typed_json(json);
    const Value value = bson_field(as_bytes(bson), "");
    CHECK((value.type == ValueType::kDocument || value.type == ValueType::kArray));
  }
}
