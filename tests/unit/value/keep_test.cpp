#include "value/keep.hpp"

#include "base/text.hpp"
#include "catch.hpp"
#include "value/bson_reader.hpp"
#include "value/json_reader.hpp"
#include "value/json_writer.hpp"
#include "value/pgrow_reader.hpp"

using namespace lugger;

namespace {

Document bson(const std::string& bytes) {
  return {as_bytes(bytes).data(), static_cast<uint32_t>(bytes.size()), Format::kBson, nullptr};
}

}  // namespace

TEST_CASE("A1: a BSON document stands for itself, a damaged one too") {
  Arena arena(1024);
  KeptDocuments kept;
  std::string document = bson_from_json(R"({"_id": 1, "$lugger": "row"})");
  CHECK(keep_document(bson(document)) == document);
  document[4] = '\x55';  // no type of BSON
  CHECK(keep_document(bson(document)) == document);
  const auto back = kept.read(as_bytes(document), arena);
  REQUIRE(back);
  CHECK(as_text(back->bytes()) == document);
}

TEST_CASE("A1: a document that looks like a kept row comes back as a document") {
  Arena arena(1024);
  KeptDocuments kept;
  const std::string document = bson_from_json(
      R"({"$lugger": "row", "fields": [], "tuple": {"$binary": {"base64": "AAA=", "subType": "00"}}})");
  const std::string bytes = keep_document(bson(document));
  CHECK(bytes != document);
  const auto back = kept.read(as_bytes(bytes), arena);
  REQUIRE(back);
  CHECK(back->format == Format::kBson);
  CHECK(as_text(back->bytes()) == document);
}

TEST_CASE("A1: a row comes back with its names, types and bytes, and shares its shape") {
  RowShape shape;
  shape.fields = {{"id", 23, "integer", pg_reads_as(23, "integer")},
                  {"n", 1700, "numeric(12,2)", pg_reads_as(1700, "numeric(12,2)")},
                  {"mood", 90001, "public.mood", ValueType::kPgText}};
  const std::string tuple = *from_hex("00030000000400000007ffffffff000000036f6b21");
  const Document row{as_bytes(tuple).data(), static_cast<uint32_t>(tuple.size()), Format::kPgRow,
                     &shape};
  const std::string bytes = keep_document(row);
  CHECK(validate_bson(as_bytes(bytes)) == BsonFault::kNone);
  Arena arena(1024);
  KeptDocuments kept;
  const auto one = kept.read(as_bytes(bytes), arena), two = kept.read(as_bytes(bytes), arena);
  REQUIRE((one && two));
  CHECK(one->format == Format::kPgRow);
  CHECK(one->shape == two->shape);
  CHECK(as_text(one->bytes()) == tuple);
  REQUIRE(one->shape->fields.size() == 3);
  CHECK(one->shape->fields[2].name == "mood");
  CHECK(one->shape->fields[2].reads_as == ValueType::kPgText);
  CHECK(document_json(*one) == document_json(row));
}

TEST_CASE("A1: what an earlier version kept of a row is not taken for a document") {
  Arena arena(1024);
  KeptDocuments kept;
  CHECK(!kept.read(as_bytes(*from_hex("00010000000400000007")), arena));
  CHECK(!kept.read({}, arena));
  const std::string broken = bson_from_json(R"({"$lugger": "row", "fields": [1], "tuple": 2})");
  CHECK(!kept.read(as_bytes(broken), arena));
}
