#include "census/sketches.hpp"

#include <cmath>

#include "catch.hpp"
#include "value/decimal.hpp"

namespace lugger::test {
namespace {

Value integer(int64_t i) { return Value::of(ValueType::kInt64, i); }
Value text(std::string_view words) { return Value::of(ValueType::kString, words); }

DistinctSketch distinct(int64_t from, int64_t to) {
  DistinctSketch out;
  for (int64_t i = from; i < to; ++i) out.add(value_hash(integer(i)));
  return out;
}

}  // namespace

TEST_CASE("few distinct values are counted exactly") {
  DistinctSketch sketch;
  for (int i = 0; i < 1000; ++i) sketch.add(value_hash(integer(i % 64)));
  CHECK(sketch.exact());
  CHECK(sketch.estimate() == 64);
}

TEST_CASE("distinct values are estimated within four standard errors at any size") {
  for (const int64_t n : {65, 200, 1000, 3000, 5000, 20000, 100000, 1000000}) {
    INFO(n);
    const DistinctSketch sketch = distinct(0, n);
    CHECK_FALSE(sketch.exact());
    CHECK(std::abs(sketch.estimate() / static_cast<double>(n) - 1) < 4 * DistinctSketch::kError);
  }
}

TEST_CASE("merged sketches know the union") {
  DistinctSketch a = distinct(0, 30000);
  a.merge(distinct(20000, 50000));
  CHECK(a.estimate() == distinct(0, 50000).estimate());
  DistinctSketch few = distinct(0, 10);
  few.merge(distinct(5, 20));
  CHECK(few.exact());
  CHECK(few.estimate() == 20);
  few.merge(distinct(0, 5000));
  CHECK(few.estimate() == distinct(0, 5000).estimate());
}

TEST_CASE("frequent values are found among many rare ones, within the stated error") {
  TopValues top;
  const int rare = 50000, common = 5000;
  for (int i = 0; i < rare; ++i) {
    top.add(value_hash(integer(i)), integer(i));
    if (i % (rare / common) == 0) {
      top.add(value_hash(text("alpha")), text("alpha"));
      top.add(value_hash(text("beta")), text("beta"), 2);
    }
  }
  const std::vector<TopValues::Entry> found = top.top(2);
  REQUIRE(found.size() == 2);
  CHECK(found[0].hash == value_hash(text("beta")));
  CHECK(found[1].hash == value_hash(text("alpha")));
  CHECK(found[1].count <= common);
  CHECK(found[1].count + top.error() >= common);
  CHECK(top.error() <= (rare + 3 * common) / (TopValues::kCounters / 2 - 1));
}

TEST_CASE("few values are counted exactly, and merged so") {
  TopValues a, b;
  for (int i = 0; i < 90; ++i) a.add(value_hash(integer(i % 30)), integer(i % 30));
  for (int i = 0; i < 60; ++i) b.add(value_hash(integer(i % 40)), integer(i % 40));
  a.merge(b);
  CHECK(a.error() == 0);
  CHECK(a.top(1).front().count == 5);
  uint64_t all = 0;
  for (const auto& entry : a.top(100)) all += entry.count;
  CHECK(all == 150);
}

TEST_CASE("long values are kept by their beginning") {
  TopValues top;
  const std::string words(100, 'x');
  top.add(value_hash(text(words)), text(words));
  const TopValues::Entry entry = top.top(1).front();
  CHECK(entry.size == 100);
  CHECK(as_text({entry.bytes.data(), TopValues::kKeptBytes}) == std::string(40, 'x'));
}

TEST_CASE("the smallest hashes tell how much of one set lies in another") {
  SmallestHashes ids(1024), inside(256), outside(256);
  for (int64_t i = 0; i < 100000; ++i) ids.add(value_hash(integer(i)));
  for (int64_t i = 0; i < 50000; ++i) {
    inside.add(value_hash(integer(i)));
    outside.add(value_hash(integer(i + 1000000)));
  }
  const auto good = inside.within(ids), bad = outside.within(ids);
  CHECK(good.looked_at > 100);
  CHECK(good.found == good.looked_at);
  CHECK(bad.looked_at > 100);
  CHECK(bad.found == 0);
  SmallestHashes few(256);
  for (int64_t i = 0; i < 5; ++i) few.add(value_hash(integer(i)));
  CHECK(few.complete());
  CHECK(few.hashes().size() == 5);
}

TEST_CASE("equal values have equal hashes, whatever form they are stored in") {
  CHECK(value_hash(Value::of(ValueType::kInt32, int64_t{7})) == value_hash(integer(7)));
  CHECK(value_hash(integer(7)) == value_hash(Value::of_double(7)));
  CHECK(value_hash(integer(7)) != value_hash(text("7")));
  const uint8_t oid[12] = {0x64, 0xf1, 0xc0, 0xa2, 0xb3, 0xc4, 0xd5, 0xe6, 0xf7, 0xa8, 0xb9, 0x01};
  const Value object = Value::of(ValueType::kObjectId, Bytes{oid, 12});
  CHECK(value_hash(object) == value_hash(text("64f1c0a2b3c4d5e6f7a8b901")));
  CHECK(value_hash(object) == value_hash(text("64F1C0A2B3C4D5E6F7A8B901")));
  CHECK(value_hash(object) != value_hash(text("64f1c0a2b3c4d5e6f7a8b90g")));
}

TEST_CASE("F11: numbers that MongoDB takes for one have one hash") {
  uint8_t bytes[16];
  const auto decimal = [&](std::string_view text) {
    DecimalDigits digits;
    REQUIRE(parse_decimal(text, NumberFormat{}, digits) == DecimalFault::kNone);
    REQUIRE(decimal_to_bson(digits, bytes));
    return value_hash(Value::of(ValueType::kDecimal, Bytes{bytes, sizeof bytes}));
  };
  for (const char* text : {"5", "5.0", "5.000", "0.5E1", "50E-1"})
    CHECK(decimal(text) == value_hash(Value::of_double(5)));
  CHECK(decimal("-0.00") == value_hash(Value::of_double(-0.0)));
  CHECK(decimal("0") == value_hash(Value::of(ValueType::kInt32, 0)));
  CHECK(decimal("0.5") == value_hash(Value::of_double(0.5)));
  CHECK(decimal("-3.375") == value_hash(Value::of_double(-3.375)));
  CHECK(decimal("1E+20") == value_hash(Value::of_double(1e20)));
  CHECK(decimal("NaN") == value_hash(Value::of_double(std::nan(""))));
  CHECK(decimal("9007199254740993") == value_hash(Value::of(ValueType::kInt64, 9007199254740993)));
  CHECK(decimal("9223372036854775807") == value_hash(Value::of(ValueType::kInt64, INT64_MAX)));
  CHECK(decimal("0.1") != value_hash(Value::of_double(0.1)));  // the double is a little more
  CHECK(decimal("5.1") != decimal("5.01"));
}

}  // namespace lugger::test
