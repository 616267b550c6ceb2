#include "value/id_text.hpp"

#include <map>
#include <set>

#include "value/support.hpp"

using namespace lugger;
using lugger::test::bson_of;

namespace {

std::string id_text(const Value& id, IdStyle style = IdStyle::kSafe) {
  ByteBuffer out;
  out.append("before ");
  const bool good = append_id_text(id, style, out);
  REQUIRE(out.text().starts_with("before "));
  return good ? std::string(out.text().substr(7)) : "refused";
}

Value field(Bytes document, std::string_view name) { return bson_field(document, name); }

}  // namespace

TEST_CASE("S0-09 S0-31 every id type has its text: the vectors of docs/id-text.md") {
  const std::string vectors = bson_from_json(test::read_file("id_text_vectors.json"));
  int count = 0;
  const Value list = [&] {  // an array comes as {"": array}
    BsonReader reader(as_bytes(vectors));
    REQUIRE(reader.next());
    return reader.value();
  }();
  for (BsonReader rows(list.bytes()); rows.next(); ++count) {
    const Bytes row = rows.value().bytes();
    INFO(field(row, "name").text());
    const Value id = field(row, "id");
    CHECK(id_text(id) == field(row, "safe").text());
    CHECK(id_text(id, IdStyle::kPlain) == field(row, "plain").text());
  }
  CHECK(count > 60);
}

TEST_CASE("ids that are equal in MongoDB share a text, others do not") {
  CHECK(id_text(Value::of(ValueType::kInt32, 1)) == id_text(Value::of_double(1.0)));
  CHECK(id_text(Value::of(ValueType::kInt64, 1)) != id_text(Value::of(ValueType::kString, "1")));
  CHECK(id_text(Value::of_double(1e15)) == id_text(Value::of(ValueType::kInt64, 1000000000000000)));
  CHECK(id_text(Value::of_double(9007199254740994.0)) ==
        id_text(Value::of(ValueType::kInt64, 9007199254740994)));
  CHECK(id_text(Value::of_double(-1e18)) ==
        id_text(Value::of(ValueType::kInt64, -1000000000000000000)));
  CHECK(id_text(Value::of_double(0.1)) != id_text(Value::of_double(0.1 + 1e-17 + 1e-16)));
}

TEST_CASE("what cannot be an id text is refused and leaves nothing behind") {
  CHECK(id_text({}) == "refused");
  CHECK(id_text(Value::of(ValueType::kUndefined, 0)) == "refused");
  CHECK(id_text(Value::of(ValueType::kString, std::string_view("a\0b", 3))) == "refused");
  CHECK(id_text(Value::of(ValueType::kString, "\xff")) == "refused");
  const std::string nul = bson_of("k", Value::of(ValueType::kString, std::string_view("a\0b", 3)));
  CHECK(id_text(Value::of(ValueType::kDocument, nul)) == "refused");
  const std::string whole = bson_of("k", Value::of(ValueType::kInt32, 5));
  CHECK(id_text(Value::of(ValueType::kDocument, whole)) == "$o:{\"k\":5}");
  for (size_t cut = 0; cut < whole.size(); ++cut)
    CHECK(id_text(Value::of(ValueType::kDocument, std::string_view(whole).substr(0, cut))) ==
          "refused");
}

TEST_CASE("real ids of every type have distinct texts") {
  std::set<std::string> texts;
  size_t count = 0;
  for (const std::string& document : test::documents("named/dump/shop/ids.bson")) {
    const std::string text = id_text(bson_field(as_bytes(document), "_id"));
    CHECK(text != "refused");
    texts.insert(text);
    ++count;
  }
  CHECK(count > 0);
  CHECK(texts.size() == count);
}
