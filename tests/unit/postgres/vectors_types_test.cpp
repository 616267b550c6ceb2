// Fields of PGVecto.rs byte by byte, against the layouts that its sources document.
#include "postgres/vectors_types.hpp"

#include "base/text.hpp"
#include "catch.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger::test {
namespace {

/// As pgvector, or PostgreSQL for bits, would send it.
std::string as_pgvector(VectorsWire wire, std::string_view hex) {
  const std::string bytes = *from_hex(hex);
  Arena arena;
  const auto out = from_vectors(wire, as_bytes(bytes), arena);
  return out ? to_hex(*out) : "malformed";
}

/// What is written of that field once it was read.
std::string again(VectorsWire wire, ValueType type, std::string_view hex) {
  const std::string bytes = *from_hex(hex);
  Arena arena;
  Value value;
  const auto field = from_vectors(wire, as_bytes(bytes), arena);
  if (!field || !read_pg_field(type, 0, *field, arena, value)) return "malformed";
  ByteBuffer out;
  vectors_encoder(wire)(value, out);
  CHECK(load_be<int32_t>(out.data()) == static_cast<int32_t>(bytes.size()));
  return to_hex(out.view().subspan(4));
}

}  // namespace

TEST_CASE("each type is read as pgvector's, and written as it was") {
  using W = VectorsWire;
  CHECK(as_pgvector(W::kDense, "02000000803f000020c0") == "000200003f800000c0200000");
  CHECK(again(W::kDense, ValueType::kVector, "02000000803f000020c0") == "02000000803f000020c0");
  CHECK(as_pgvector(W::kHalf, "0200003c00c1") == "000200003c00c100");
  CHECK(again(W::kHalf, ValueType::kHalfVector, "0200003c00c1") == "0200003c00c1");
  // {0:-1, 4:2}/5
  const std::string_view sparse = "05000000020000000000000004000000000080bf00000040";
  CHECK(as_pgvector(W::kSparse, sparse) ==
        "000000050000000200000000"
        "0000000000000004"
        "bf80000040000000");
  CHECK(again(W::kSparse, ValueType::kSparseVector, sparse) == sparse);
  // 65 bits: the first, the third and the last.
  const std::string_view bits = "410005000000000000000100000000000000";
  CHECK(as_pgvector(W::kBits, bits) ==
        "00000041a0000000000000008"
        "0");
  CHECK(again(W::kBits, ValueType::kBits, bits) == bits);
  // alpha 0.5, offset 1: levels -2, 4
  CHECK(as_pgvector(W::kInt8, "020000000000003f0000803f0000000000000000fe04") ==
        "00020000"
        "00000000"
        "40400000");
}

TEST_CASE("what is no such field is refused") {
  using W = VectorsWire;
  for (const std::string_view bad : {"", "02", "0200", "0000", "02000000803f", "020000"})
    CHECK(as_pgvector(W::kDense, bad) == "malformed");
  CHECK(as_pgvector(W::kHalf, "0100003c00") == "malformed");
  CHECK(as_pgvector(W::kSparse, "0500000001000000") == "malformed");
  CHECK(as_pgvector(W::kBits, "0100") == "malformed");
  CHECK(as_pgvector(W::kInt8, "0200000000000000") == "malformed");
}

TEST_CASE("text of PGVecto.rs has its own indices and bits") {
  const std::string sparse = *from_hex(
      "000000050000000200000000"
      "0000000000000004"
      "bf80000040000000");
  const Value value = Value::of(ValueType::kSparseVector, std::string_view(sparse));
  CHECK(input_text(value, parse_column_type("vectors.svector(5)")) == "{0:-1,4:2}/5");
  CHECK(input_text(value, parse_column_type("sparsevec(5)")) == "{1:-1,5:2}/5");
  const std::string bits = *from_hex("00000003a0");
  const Value three = Value::of(ValueType::kBits, std::string_view(bits));
  CHECK(input_text(three, parse_column_type("vectors.bvector(3)")) == "[1,0,1]");
  CHECK(input_text(three, parse_column_type("bit(3)")) == "101");
}

TEST_CASE("tuples keep their other fields") {
  PgvectorTuples tuples({VectorsWire::kNone, VectorsWire::kDense, VectorsWire::kDense});
  const std::string tuple = *from_hex(
      "0004"
      "00000002abcd"
      "00000006010000000040"
      "ffffffff"
      "00000001ff");
  Arena arena;
  CHECK(to_hex(tuples.of(as_bytes(tuple), arena)) ==
        "0003"
        "00000002abcd"
        "000000080001000040000000"
        "ffffffff");
}

}  // namespace lugger::test
