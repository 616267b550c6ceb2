#include "value/row_bson.hpp"

#include "base/error.hpp"
#include "catch.hpp"
#include "value/bson_reader.hpp"
#include "value/json_writer.hpp"
#include "value/pgrow_reader.hpp"

using namespace lugger;

namespace {

/// A row under way: fields in COPY BINARY.
struct Row {
  RowShape shape;
  ByteBuffer bytes;
  Row() { bytes.append_be<int16_t>(0); }

  Row& field(uint32_t oid, std::string_view type, const ByteBuffer& value) {
    shape.fields.push_back({"f" + std::to_string(shape.fields.size()), oid, std::string(type),
                            pg_reads_as(oid, type)});
    bytes.append_be(static_cast<int32_t>(value.size()));
    bytes.append(value.view());
    store_be(bytes.data(), static_cast<int16_t>(shape.fields.size()));
    return *this;
  }
  template <typename T>
  Row& number(uint32_t oid, T value) {
    ByteBuffer field_bytes;
    field_bytes.append_be(value);
    return field(oid, "", field_bytes);
  }
  Row& text(uint32_t oid, std::string_view value) {
    ByteBuffer field_bytes;
    field_bytes.append(value);
    return field(oid, "", field_bytes);
  }
  Document document() const {
    return {bytes.data(), static_cast<uint32_t>(bytes.size()), Format::kPgRow, &shape};
  }
  std::string json() const {
    Arena arena(4096);
    ByteBuffer out;
    append_row(document(), arena, out);
    REQUIRE(validate_bson(out.view()) == BsonFault::kNone);
    return document_json({out.data(), static_cast<uint32_t>(out.size()), Format::kBson, nullptr},
                         JsonStyle::kCanonical);
  }
};

}  // namespace

TEST_CASE("a row as BSON has the types of its columns") {
  Row row;
  row.number(20, int64_t{5}).number(23, int32_t{5}).number(701, 3.0).text(25, "x");
  row.number(1184, int64_t{1}).number(1184, int64_t{1000});
  CHECK(row.json() ==
        R"({"f0":{"$numberLong":"5"},"f1":{"$numberInt":"5"},"f2":{"$numberDouble":"3.0"},)"
        R"("f3":"x","f4":{"$date":"2000-01-01T00:00:00.000001Z"},)"
        R"("f5":{"$date":{"$numberLong":"946684800001"}}})");
}

TEST_CASE("json is what it holds, also when it only looks like Extended JSON") {
  Row row;
  row.text(114, R"({"a": [1]})").text(114, "[true]").text(114, "7").text(114, "null");
  row.text(114, R"({"$date": "no date"})");
  CHECK(row.json() == R"({"f0":{"a":[{"$numberInt":"1"}]},"f1":[true],"f2":{"$numberInt":"7"},)"
                      R"("f3":null,"f4":{"$date":"no date"}})");
}

TEST_CASE("json keeps every digit of its numbers, also beside a wrapper") {
  Row row;
  row.text(114,
           R"({"rate": 0.1234567890123456789, "p": 1.50, "e": 1e-400, "f": 0.30000000000000004})");
  row.text(114,
           R"({"a": [12345678901234567.5, -1.0], "id": {"$oid": "64f1c2a9e13e4f0012345678"}})");
  row.text(114, "1234567890123456789012345678901234567890.5");
  row.text(114, R"({"t": "0.1234567890123456789"})");
  CHECK(row.json() ==
        R"({"f0":{"rate":{"$numberDecimal":"0.1234567890123456789"},"p":{"$numberDouble":"1.5"},)"
        R"("e":{"$numberDecimal":"1E-400"},"f":{"$numberDouble":"0.30000000000000004"}},)"
        R"("f1":{"a":[{"$numberDecimal":"12345678901234567.5"},{"$numberDouble":"-1.0"}],)"
        R"("id":{"$oid":"64f1c2a9e13e4f0012345678"}},)"
        R"("f2":{"$numberDecimal":"1234567890123456789012345678901234567890.5"},)"
        R"("f3":{"t":"0.1234567890123456789"}})");
}

TEST_CASE("arrays keep their dimensions") {
  ByteBuffer array;
  for (const int32_t part : {2, 1, 23, 2, 1, 2, 1, 4, 1, 4, 2, -1, 4, 4}) array.append_be(part);
  Row row;
  row.field(1007, "integer[]", array);
  CHECK(row.json() ==
        R"({"f0":[[{"$numberInt":"1"},{"$numberInt":"2"}],[null,{"$numberInt":"4"}]]})");
}

TEST_CASE("a row that is cut off is refused") {
  Row row;
  row.number(20, int64_t{5}).text(25, "text");
  for (size_t size = 0; size < row.bytes.size(); ++size) {
    Document document = row.document();
    document.size = static_cast<uint32_t>(size);
    Arena arena(4096);
    ByteBuffer out;
    CHECK_THROWS_AS(append_row(document, arena, out), Error);
  }
}

TEST_CASE("a field without a name is no bare value") {
  Row row;
  row.text(114, R"({"":{"a":1},"b":2})").text(114, R"( {"":"x"})").text(114, "[1]").text(114, "{}");
  row.text(114, R"({"$oid":"64f1c0aabbccddeeff001122"})").text(114, R"({"$else":true})");
  CHECK(row.json() ==
        R"({"f0":{"":{"a":{"$numberInt":"1"}},"b":{"$numberInt":"2"}},"f1":{"":"x"},)"
        R"("f2":[{"$numberInt":"1"}],"f3":{},"f4":{"$oid":"64f1c0aabbccddeeff001122"},)"
        R"("f5":{"$else":true}})");
}
