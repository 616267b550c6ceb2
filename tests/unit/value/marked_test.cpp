#include "value/marked.hpp"

#include "catch.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/compare.hpp"
#include "value/datetime.hpp"
#include "value/json_writer.hpp"

using namespace lugger;

namespace {

/// The value as it is read from a document, whose bytes are in `out`.
Value kept(const Value& value, ByteBuffer& out) {
  out.clear();
  BsonWriter writer(out);
  writer.begin_document();
  writer.append("a", value);
  writer.end();
  REQUIRE(validate_bson(out.view()) == BsonFault::kNone);
  return bson_field(out.view(), "a");
}

Value binary(std::string_view bytes) {
  return Value::of(ValueType::kBinary, as_bytes(bytes), kMarkedSubtype);
}

}  // namespace

TEST_CASE("what BSON has no type for comes back as it was") {
  ByteBuffer out;
  for (const int64_t micros : {int64_t{0}, int64_t{1}, int64_t{-1}, kInfinityMicros,
                               kMinusInfinityMicros, kMinMicros, kEndMicros - 1}) {
    const Value read = kept(Value::of(ValueType::kMicros, micros), out);
    CHECK(read.type == ValueType::kMicros);
    CHECK(read.i64 == micros);
  }
  for (const int64_t days :
       {int64_t{0}, kMinDay, kMaxDay, int64_t{INT32_MAX}, int64_t{INT32_MIN}}) {
    const Value read = kept(Value::of(ValueType::kDay, days), out);
    CHECK(read.type == ValueType::kDay);
    CHECK(read.i64 == days);
  }
  CHECK(kept(Value::of(ValueType::kTime, kMicrosPerDay), out).i64 == kMicrosPerDay);
  unsigned char interval[16];
  REQUIRE(parse_interval("1 mon -2 days 00:00:00.500", interval));
  const Value read = kept(Value::of(ValueType::kInterval, Bytes(interval)), out);
  CHECK(read.type == ValueType::kInterval);
  CHECK(interval_text(read.data) == "1 mon -2 days +00:00:00.5");
  CHECK(document_json({out.data(), static_cast<uint32_t>(out.size()), Format::kBson, nullptr},
                      JsonStyle::kPlain) == R"({"a":"1 mon -2 days +00:00:00.5"})");
}

TEST_CASE("a binary that only begins like one stays a binary") {
  ByteBuffer out;
  using std::string_view_literals::operator""sv;
  for (const std::string_view bytes :
       {"lugger "sv, "lugger day\0"sv, "lugger day\0\1\2\3\4\5\6\7"sv,
        "lugger year\0\0\0\0\0\0\0\0\0"sv, "lugger day\0\0\0\0\0\0\0\0\x7f"sv,
        "lugger time\0\xff\xff\xff\xff\xff\xff\xff\xff"sv,
        "lugger timestamptz\0\xfe\xff\xff\xff\xff\xff\xff\x7f"sv, "lugger numeric\0\0\1"sv,
        "lugger numeric\0\0\1\0\0\0\0\0\0\x27\x10"sv, "lugger numeric\0\0\1\0\0\x12\x34\0\0\0\1"sv,
        "lugger numeric\0\0\1\0\0\0\0\x40\0\0\1"sv, "lugger numeric\0\0\1\xc0\0\0\0\0\0\0\1"sv,
        "lugger sparsevec\0\0\0\0\2\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0"sv,
        "lugger sparsevec\0\0\0\0\2\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0"sv,
        "lugger interval\0"sv, "lugger vector\0\1\2\3"sv, "lugger bit\0\0\0\0\x20\1"sv}) {
    const Value read = kept(binary(bytes), out);
    CHECK(read.type == ValueType::kBinary);
    CHECK(read.text() == bytes);
  }
}

TEST_CASE("intervals and endless days are ordered as in PostgreSQL") {
  const auto interval = [](std::string_view text, unsigned char* bytes) {
    REQUIRE(parse_interval(text, bytes));
    return Value::of(ValueType::kInterval, Bytes(bytes, 16));
  };
  const auto order = [&](std::string_view a, std::string_view b) {
    unsigned char left[16], right[16];
    return compare_values(interval(a, left), interval(b, right));
  };
  CHECK(order("1 mon", "30 days") == 0);
  CHECK(order("1 day", "24:00") == 0);
  CHECK(order("-1 day", "00:00") < 0);
  CHECK(order("1 mon", "31 days") < 0);
  CHECK(order("1 mon -00:00:00.000001", "30 days") < 0);
  const Value day = Value::of(ValueType::kDay, INT32_MAX);
  CHECK(compare_values(day, Value::of(ValueType::kMicros, kInfinityMicros)) == 0);
  CHECK(compare_values(day, Value::of(ValueType::kDay, kMaxDay)) > 0);
  CHECK(compare_values(Value::of(ValueType::kDay, INT32_MIN), Value::of(ValueType::kDate, 0)) < 0);
}
