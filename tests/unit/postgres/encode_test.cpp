// COPY BINARY fields byte by byte, as PostgreSQL's own send functions give them.
#include "base/text.hpp"
#include "catch.hpp"
#include "postgres/copy_rows.hpp"
#include "value/datetime.hpp"

namespace lugger::test {
namespace {

std::string field(Kind kind, const Value& value) {
  ByteBuffer out;
  field_encoder(kind)(value, out);
  return to_hex(out.view());
}

Value data(ValueType type, std::string_view hex) {
  static std::vector<std::string> keep;
  keep.reserve(100);
  keep.push_back(*from_hex(hex));
  return Value::of(type, std::string_view(keep.back()));
}

}  // namespace

TEST_CASE("each kind has its wire form") {
  CHECK(field(Kind::kBool, Value::of(ValueType::kBool, 1)) == "0000000101");
  CHECK(field(Kind::kInt2, Value::of(ValueType::kInt64, -2)) == "00000002fffe");
  CHECK(field(Kind::kInt4, Value::of(ValueType::kInt64, 70000)) == "0000000400011170");
  CHECK(field(Kind::kInt8, Value::of(ValueType::kInt64, -1)) == "00000008ffffffffffffffff");
  CHECK(field(Kind::kFloat4, Value::of_double(0.5)) == "000000043f000000");
  CHECK(field(Kind::kFloat8, Value::of_double(-2)) == "00000008c000000000000000");
  CHECK(field(Kind::kNumeric, data(ValueType::kNumeric,
                                   "0002000000000004"
                                   "04d2162e")) == "0000000c000200000000000404d2162e");
  CHECK(field(Kind::kText, Value::of(ValueType::kString, std::string_view("ab"))) ==
        "000000026162");
  CHECK(field(Kind::kText, Value::of(ValueType::kString, std::string_view(""))) == "00000000");
  CHECK(field(Kind::kOther, Value::of(ValueType::kPgText, std::string_view("x"))) == "0000000178");
  CHECK(field(Kind::kBytea, data(ValueType::kBinary, "00ff")) == "0000000200ff");
  CHECK(field(Kind::kUuid, data(ValueType::kUuid, "c0ffee00000040008000000000000001")) ==
        "00000010c0ffee00000040008000000000000001");
  CHECK(field(Kind::kDate, Value::of(ValueType::kDay, -10957)) == "00000004ffffd533");
  CHECK(field(Kind::kDate, Value::of(ValueType::kDay, kInfinityMicros)) == "000000047fffffff");
  CHECK(field(Kind::kDate, Value::of(ValueType::kDay, kMinusInfinityMicros)) == "0000000480000000");
  CHECK(field(Kind::kTime, Value::of(ValueType::kTime, 1)) == "000000080000000000000001");
  CHECK(field(Kind::kTimestamptz, Value::of(ValueType::kMicros, -kPgEpochUnixMicros)) ==
        "00000008fffca2fec4c82000");
  CHECK(field(Kind::kJson, Value::of(ValueType::kJson, std::string_view("1"))) == "0000000131");
  CHECK(field(Kind::kJsonb, Value::of(ValueType::kJson, std::string_view("{}"))) ==
        "00000003017b7d");
  const float vector[] = {1, -2, 0.5F};
  const Value floats =
      Value::of(ValueType::kVector, Bytes(reinterpret_cast<const uint8_t*>(vector), sizeof vector));
  CHECK(field(Kind::kVector, floats) == "00000010000300003f800000c00000003f000000");
  const uint16_t halves[] = {0x3C00, 0xC000, 0x3800};
  const Value half = Value::of(ValueType::kHalfVector,
                               Bytes(reinterpret_cast<const uint8_t*>(halves), sizeof halves));
  CHECK(field(Kind::kHalfvec, half) == "0000000a000300003c00c0003800");
  for (int kind = 0; kind <= static_cast<int>(Kind::kOther); ++kind) {
    CAPTURE(kind);
    CHECK(field(static_cast<Kind>(kind), Value::null()) == "ffffffff");
    CHECK(field(static_cast<Kind>(kind), Value()) == "ffffffff");
  }
}

TEST_CASE("a slot of another type is our fault, and never read as if it were right") {
  CHECK_THROWS_WITH(field(Kind::kText, Value::of(ValueType::kInt64, 4711)),
                    ContainsSubstring("a slot holds int64"));
  CHECK_THROWS_WITH(field(Kind::kInt4, Value::of(ValueType::kString, std::string_view("1"))),
                    ContainsSubstring("a slot holds string"));
}

TEST_CASE("a stream is header, tuples, trailer, and a warm buffer does not grow") {
  RowEncoder encoder;
  encoder.add(1, field_encoder(Kind::kInt4));
  encoder.add(0, field_encoder(Kind::kText));
  const Value row[] = {Value::of(ValueType::kString, std::string_view("a")),
                       Value::of(ValueType::kInt64, 7)};
  ByteBuffer out;
  auto stream = [&] {
    out.clear();
    append_copy_header(out);
    encoder.begin(out);
    encoder.fields(row, out);
    append_copy_trailer(out);
  };
  stream();
  CHECK(to_hex(out.view()) ==
        "5047434f50590aff0d0a00"
        "0000000000000000"
        "0002"
        "0000000400000007"
        "0000000161"
        "ffff");
  const uint8_t* memory = out.data();
  const size_t capacity = out.capacity();
  for (int i = 0; i < 1000; ++i) stream();
  CHECK(out.data() == memory);
  CHECK(out.capacity() == capacity);
}

}  // namespace lugger::test
