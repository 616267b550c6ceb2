#include "value/bson_numbers.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/single.hpp"

using namespace lugger;

namespace {

std::vector<float> all_at_once(Bytes array, bool& whole) {
  std::vector<uint8_t> out(4 * (array.size() / kLeastNumberBytes) + 1, 0xEE);
  const auto count = floats_of_numbers(array, out.data());
  whole = count.has_value();
  REQUIRE(out.back() == 0xEE);
  std::vector<float> floats(count.value_or(0));
  if (!floats.empty()) std::memcpy(floats.data(), out.data(), 4 * floats.size());
  return floats;
}

/// Doubles and int32s, as they lie in a BSON array.
ByteBuffer array_of(const std::vector<Value>& values) {
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_array();
  std::vector<double> doubles;
  const auto flush = [&] {
    if (!doubles.empty()) writer.append_doubles(doubles);
    doubles.clear();
  };
  for (const Value& value : values) {
    if (value.type == ValueType::kDouble) {
      doubles.push_back(value.f64);
      continue;
    }
    flush();
    writer.append(value);
  }
  flush();
  writer.end();
  return out;
}

}  // namespace

TEST_CASE("an array of numbers at once gives what it gives one by one, at every length") {
  std::mt19937 random(3);
  for (const int percent_whole : {0, 30, 100}) {
    for (size_t count : {0, 1, 2, 9, 10, 11, 12, 99, 100, 101, 999, 1001, 10002, 100001}) {
      std::vector<Value> values;
      for (size_t i = 0; i < count; ++i) {
        if (static_cast<int>(random() % 100) < percent_whole)
          values.push_back(
              Value::of(ValueType::kInt32, static_cast<int64_t>(static_cast<int32_t>(random()))));
        else
          values.push_back(Value::of_double(std::ldexp(static_cast<double>(random()) - 2e9,
                                                       static_cast<int>(random() % 250) - 160)));
      }
      if (count > 2)
        values[1] = Value::of_double(-kMidwayDouble), values[2] = Value::of_double(-0.0);
      const ByteBuffer array = array_of(values);
      size_t at = 0;
      for (BsonReader reader(array.view()); reader.next(); ++at)
        REQUIRE(reader.name() == std::to_string(at));
      REQUIRE(at == count);
      bool whole = false;
      const std::vector<float> found = all_at_once(array.view(), whole);
      REQUIRE(whole);
      REQUIRE(found.size() == count);
      for (size_t i = 0; i < count; ++i) {
        const float wanted = values[i].type == ValueType::kInt32
                                 ? static_cast<float>(values[i].i64)
                                 : single_from_double(values[i].f64);
        REQUIRE(std::bit_cast<uint32_t>(found[i]) == std::bit_cast<uint32_t>(wanted));
      }
    }
  }
}

TEST_CASE("an array of numbers at once: other names, other types, other sizes") {
  bool whole = false;
  ByteBuffer named;
  BsonWriter writer(named);
  writer.begin_document();
  writer.append("a", Value::of_double(1.5));
  writer.append("seven77", Value::of_double(2.5));
  writer.append("b", Value::of(ValueType::kInt32, 7));
  writer.end();
  CHECK(all_at_once(named.view(), whole) == std::vector<float>{1.5F, 2.5F, 7});
  CHECK(whole);
  for (const Value& odd :
       {Value::null(), Value::of(ValueType::kInt64, 1), Value::of(ValueType::kString, "2")}) {
    const ByteBuffer array = array_of({Value::of_double(1), odd, Value::of_double(2)});
    all_at_once(array.view(), whole);
    CHECK(!whole);
  }
}

TEST_CASE("an array of numbers that is cut or broken anywhere is never read beyond its end") {
  const ByteBuffer array = array_of({Value::of_double(1), Value::of(ValueType::kInt32, 5),
                                     Value::of_double(2.5), Value::of(ValueType::kInt32, -1)});
  bool whole = false;
  for (size_t size = 0; size < array.size(); ++size) {
    std::vector<uint8_t> cut(array.data(), array.data() + size);
    all_at_once(cut, whole);
    CHECK(!whole);
    if (size < 5) continue;
    store_le(cut.data(), static_cast<uint32_t>(size));  // a frame of its own around what is left
    cut.back() = 0;
    const std::vector<float> found = all_at_once(cut, whole);
    if (!whole) continue;
    size_t count = 0;
    BsonReader reader(cut);
    while (reader.next()) ++count;
    CHECK(reader.fault() == BsonFault::kNone);
    CHECK(count == found.size());
  }
}
