#include <random>

#include "value/support.hpp"

using namespace lugger;
using namespace lugger::test;
using namespace std::string_literals;

namespace {

/// A document from its elements' bytes: length and terminator are added.
std::string framed(const std::string& elements) {
  std::string out(4, '\0');
  out += elements;
  out += '\0';
  store_le(out.data(), static_cast<int32_t>(out.size()));
  return out;
}

BsonFault validate(const std::string& bytes) { return validate_bson(as_bytes(bytes)); }

/// The fault a reader that descends nowhere ends with.
BsonFault walk(const std::string& bytes) {
  BsonReader reader(as_bytes(bytes));
  while (reader.next()) {
  }
  return reader.fault();
}

std::string nested(int levels, char type) {
  std::string document = framed("");
  for (int i = 1; i < levels; ++i) document = framed(type + "a\0"s + document);
  return document;
}

/// The document built again from the values the reader gives.
void copy_fields(Bytes document, BsonWriter& writer) {
  BsonReader reader(document);
  while (reader.next()) {
    const Value& value = reader.value();
    if (value.type == ValueType::kDocument) {
      writer.begin_document(reader.name());
      copy_fields(value.bytes(), writer);
      writer.end();
    } else if (value.type == ValueType::kArray) {
      writer.begin_array(reader.name());
      copy_fields(value.bytes(), writer);
      writer.end();
    } else {
      writer.append(reader.name(), value);
    }
  }
  REQUIRE(reader.fault() == BsonFault::kNone);
}

}  // namespace

TEST_CASE("every recorded document validates and is rebuilt byte for byte") {
  for (const char* name : {"types", "ids", "users", "raw"}) {
    const auto all = documents("mongo/"s + name + ".bson");
    REQUIRE(!all.empty());
    for (const std::string& document : all) {
      CAPTURE(as_json(document));
      CHECK(validate(document) == BsonFault::kNone);
      ByteBuffer out;
      BsonWriter writer(out);
      writer.begin_document();
      copy_fields(as_bytes(document), writer);
      writer.end();
      CHECK(out.text() == document);
    }
  }
}

TEST_CASE("elements copied whole make the same document") {
  const std::string document = documents("mongo/users.bson").front();
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_document();
  for (BsonReader reader(as_bytes(document)); reader.next();)
    writer.append_element(reader.element());
  writer.end();
  CHECK(out.text() == document);
}

TEST_CASE("the reader gives names, types, values and offsets") {
  const std::string document = framed(
      "\x10"
      "a\0\x2A\0\0\0\x02"
      "b\0\x03\0\0\0x\0\0\x08\0\x01"s);
  BsonReader reader(as_bytes(document));
  REQUIRE(reader.next());
  CHECK(reader.name() == "a");
  CHECK(reader.value().type == ValueType::kInt32);
  CHECK(reader.value().i64 == 42);
  CHECK(reader.offset() == 4);
  REQUIRE(reader.next());
  CHECK(reader.value().text() == "x\0"s);  // NUL inside a string is data
  REQUIRE(reader.next());
  CHECK(reader.name().empty());
  CHECK(reader.value().i64 == 1);
  CHECK_FALSE(reader.next());
  CHECK(reader.fault() == BsonFault::kNone);
  CHECK(bson_field(as_bytes(document), "a").i64 == 42);
  CHECK(bson_field(as_bytes(document), "zz").type == ValueType::kMissing);
}

TEST_CASE("values of every BSON type are read as they are") {
  const auto field = [](const char* id, const char* name) {
    for (const std::string& document : documents("mongo/types.bson")) {
      if (bson_field(as_bytes(document), "_id").text() != id) continue;
      static std::vector<std::string> kept;
      kept.reserve(64);
      return bson_field(as_bytes(kept.emplace_back(document)), name);
    }
    return Value{};
  };
  CHECK(field("int64", "past53").i64 == 9007199254740993);
  CHECK(field("double", "frac").f64 == 0.1);
  CHECK(field("date", "before").i64 == -1);
  CHECK(field("timestamp", "t").i64 == (int64_t{1772841600} << 32 | 7));
  CHECK(split_regex(field("regex", "r")).first == "^a.*b$");
  CHECK(as_text(split_regex(field("regex", "r")).second) == "imsx");
  CHECK(split_code_with_scope(field("code", "scoped")).first == "function(){return x}");
  CHECK(bson_field(split_code_with_scope(field("code", "scoped")).second, "x").i64 == 1);
  CHECK(field("binary", "uuid").aux == 4);
  CHECK(field("binary", "old").aux == 2);
  CHECK(field("binary", "old").text() ==
        "\x04\0\0\0\x01\x02\x03\x04"s);  // without the repeated length
  CHECK(field("string", "nul").text() == "a\0b"s);
}

namespace {

struct Case {
  std::string elements;
  BsonFault fault;
};

const Case kLyingElements[] = {
    {"\x10"
     "a"s,
     BsonFault::kTruncatedElement},  // name without end
    {"\x10"
     "a\0\1\0\0"s,
     BsonFault::kTruncatedElement},
    {"\x01"
     "a\0\1\0\0\0\0\0\0"s,
     BsonFault::kTruncatedElement},
    {"\x07"
     "a\0aaaaaaaaaaa"s,
     BsonFault::kTruncatedElement},
    {"\x02"
     "a\0\0\0\0\0\0"s,
     BsonFault::kBadStringLength},  // n = 0
    {"\x02"
     "a\0\xFF\xFF\xFF\xFFx\0"s,
     BsonFault::kBadStringLength},  // n = -1
    {"\x02"
     "a\0\xFF\xFF\xFF\x7Fx\0"s,
     BsonFault::kBadStringLength},
    {"\x02"
     "a\0\2\0\0\0xy"s,
     BsonFault::kBadStringLength},  // no final 00
    {"\x05"
     "a\0\xFF\xFF\xFF\xFF\0"s,
     BsonFault::kTruncatedElement},
    {"\x05"
     "a\0\x09\0\0\0\0x"s,
     BsonFault::kTruncatedElement},
    {"\x03"
     "a\0\4\0\0\0\0"s,
     BsonFault::kTooShort},
    {"\x03"
     "a\0\x80\0\0\0\0"s,
     BsonFault::kTruncatedElement},
    {"\x03"
     "a\0\xFF\xFF\xFF\xFF\0"s,
     BsonFault::kTooShort},
    {"\x08"
     "a\0\2"s,
     BsonFault::kBadBool},
    {"\x21"
     "a\0"s,
     BsonFault::kUnknownType},
    {"\x80"
     "a\0"s,
     BsonFault::kUnknownType},
    {"\x00\x10"
     "a\0\1\0\0\0"s,
     BsonFault::kLengthMismatch},  // an early end
    {"\x0B"
     "a\0x"s,
     BsonFault::kTruncatedElement},
    {"\x0B"
     "a\0x\0y"s,
     BsonFault::kTruncatedElement},
    {"\x0C"
     "a\0\2\0\0\0x\0abc"s,
     BsonFault::kTruncatedElement},
    {"\x0F"
     "a\0\x0E\0\0\0\2\0\0\0x\0\5\0\0\0"s,
     BsonFault::kTruncatedElement},
    {"\x0F"
     "a\0\x10\0\0\0\1\0\0\0\0\5\0\0\0\0\0\0"s,
     BsonFault::kLengthMismatch},
};

}  // namespace

TEST_CASE("lying lengths are faults of the right name") {
  CHECK(validate("") == BsonFault::kTooShort);
  CHECK(validate("\5\0\0"s) == BsonFault::kTooShort);
  CHECK(validate("\6\0\0\0\0"s) == BsonFault::kLengthMismatch);
  CHECK(validate("\xFB\xFF\xFF\xFF\0"s) == BsonFault::kLengthMismatch);
  CHECK(validate("\5\0\0\0\1"s) == BsonFault::kNoTerminator);
  for (const Case& c : kLyingElements) {
    const std::string document = framed(c.elements);
    CAPTURE(document);
    CHECK(fault_text(validate(document)) == fault_text(c.fault));
    CHECK(fault_text(walk(document)) == fault_text(c.fault));
  }
}

TEST_CASE("faults inside nested documents are found by validation") {
  const std::string inner = framed(
      "\x08"
      "b\0\7"s);
  CHECK(validate(framed("\x03"
                        "a\0"s +
                        inner)) == BsonFault::kBadBool);
  CHECK(validate(framed("\x04"
                        "a\0"s +
                        framed("\x03"
                               "0\0"s +
                               inner))) == BsonFault::kBadBool);
  const std::string scoped = "\2\0\0\0f\0"s + inner;
  std::string total(4, '\0');
  store_le(total.data(), static_cast<int32_t>(scoped.size() + 4));
  CHECK(validate(framed("\x0F"
                        "a\0"s +
                        total + scoped)) == BsonFault::kBadBool);
}

TEST_CASE("200 levels are taken, 201 and 10,000 are refused") {
  for (const char type : {'\x03', '\x04'}) {
    CHECK(validate(nested(200, type)) == BsonFault::kNone);
    CHECK(validate(nested(201, type)) == BsonFault::kTooDeep);
    CHECK(validate(nested(10000, type)) == BsonFault::kTooDeep);
  }
  CHECK(validate_bson(as_bytes(nested(3, 3)), 2) == BsonFault::kTooDeep);
}

TEST_CASE("a document cut anywhere is a fault, never a read past the end") {
  for (const std::string& document : documents("mongo/ids.bson")) {
    for (size_t size = 0; size < document.size(); ++size) {
      std::string cut = document.substr(0, size);
      CHECK(validate(cut) != BsonFault::kNone);
      if (size < 5) continue;
      store_le(cut.data(), static_cast<int32_t>(size));
      const std::vector<uint8_t> exact(cut.begin(), cut.end());  // its end is the allocation's
      BsonReader reader(exact);
      while (reader.next())
        CHECK(reader.element().data() + reader.element().size() <= exact.data() + size);
    }
  }
}

TEST_CASE("the writer nests documents and arrays") {
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_document();
  writer.begin_array("list");
  writer.append(Value::of(ValueType::kInt32, 1));
  writer.begin_document();
  writer.append("k", Value::of(ValueType::kString, "v"));
  writer.end();
  writer.begin_array();
  writer.end();
  writer.end();
  writer.begin_document("empty");
  writer.end();
  writer.end();
  CHECK(validate_bson(out.view()) == BsonFault::kNone);
  CHECK(as_json(out.text(), JsonStyle::kRelaxed) == R"({"list":[1,{"k":"v"},[]],"empty":{}})");
  ByteBuffer other;
  BsonWriter refusing(other);
  refusing.begin_document();
  CHECK_THROWS_WITH(refusing.append("x", Value::of(ValueType::kJson, 0)),
                    ContainsSubstring("json"));
}
