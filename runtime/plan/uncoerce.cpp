#include "plan/uncoerce.hpp"

#include "base/error.hpp"
#include "plan/coerce.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/datetime.hpp"
#include "value/extended_json.hpp"
#include "value/json_reader.hpp"
#include "value/pgrow_reader.hpp"
#include "value/plain_json.hpp"
#include "value/typed_json.hpp"
#include "vector/half.hpp"

namespace lugger {

namespace {

/// The value of BSON {"": value}, or its only element's where it is an array, in the arena.
Value only_value(std::string_view bson, bool listed, Arena& arena) {
  const std::string_view kept = arena.copy(bson);
  Value value = bson_field(as_bytes(kept), "");
  if (!listed) return value;
  BsonReader reader(value.bytes());
  return reader.next() ? reader.value() : Value{};
}

Value from_json(JsonStyle style, std::string_view json, Arena& arena) {
  if (style == JsonStyle::kTyped) return only_value(bson_from_typed_json(json), false, arena);
  const std::string listed = '[' + std::string(json) + ']';  // {"": 1} is told from 1
  if (style == JsonStyle::kPlain) return only_value(bson_from_plain_json(listed), true, arena);
  try {
    return only_value(bson_from_json(listed), true, arena);
  } catch (const Error&) {  // a document of the source that looks like a wrapper, and is none
    return only_value(bson_from_plain_json(listed), true, arena);
  }
}

Value from_id_text(const Value& slot, Arena& arena) {
  ByteBuffer bson;
  if (!append_id_of_text(slot.text(), bson)) return Value::of(ValueType::kString, slot.bytes());
  return only_value(bson.text(), false, arena);
}

Value from_numeric(const Value& slot, Arena& arena) {
  DecimalDigits digits;
  decimal_from_numeric(slot.bytes(), digits);
  uint8_t* room = arena.allocate(16);
  if (decimal_to_bson(digits, room)) return Value::of(ValueType::kDecimal, Bytes(room, 16));
  return Value::of(ValueType::kString, arena.copy(numeric_text(slot.bytes())));
}

Value from_time(const Value& slot, const ColumnType& type, Arena& arena) {
  const auto text = [&] {
    return Value::of(ValueType::kString, arena.copy(coerced_text(slot, type)));
  };
  if (slot.type == ValueType::kMicros) {
    const auto ms = unix_ms_from_micros(slot.i64);
    return ms ? Value::of(ValueType::kDate, *ms) : text();
  }
  if (slot.type != ValueType::kDay || slot.i64 == INT32_MAX || slot.i64 == INT32_MIN) return text();
  constexpr int64_t kMsPerDay = kMicrosPerDay / 1000;
  return Value::of(ValueType::kDate, slot.i64 * kMsPerDay + kPgEpochUnixMicros / 1000);
}

Value array_of(const ByteBuffer& bson, Arena& arena) {
  return Value::of(ValueType::kArray, as_bytes(arena.copy(bson.text())));
}

Value from_vector(const Value& slot, Arena& arena) {
  const size_t step = slot.type == ValueType::kHalfVector ? 2 : 4;
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_array();
  for (size_t i = 0; i + step <= slot.size; i += step) {
    const float element = step == 2 ? float_from_half(load_le<uint16_t>(slot.data + i))
                                    : load_le<float>(slot.data + i);
    writer.append(Value::of_double(static_cast<double>(element)));
  }
  writer.end();
  return array_of(out, arena);
}

Value from_array(const Column& column, const Value& slot, Arena& arena) {
  Column element;
  element.type = column.type.element_type();
  element.policy = column.policy;
  ByteBuffer out;
  BsonWriter writer(out);
  writer.begin_array();
  for (PgArrayReader reader(slot.bytes()); reader.next(arena);) {
    const Value value = uncoerce(element, reader.value(), arena);
    writer.append(value.type == ValueType::kMissing ? Value::null() : value);
  }
  writer.end();
  return array_of(out, arena);
}

}  // namespace

Value uncoerce(const Column& column, const Value& slot, Arena& arena) {
  switch (slot.type) {
    case ValueType::kBool: return slot;
    case ValueType::kDouble: return Value::of_double(slot.f64);
    case ValueType::kInt32:
    case ValueType::kInt64: {
      const bool wide = column.type.kind == Kind::kInt8;
      return Value::of(wide ? ValueType::kInt64 : ValueType::kInt32, slot.i64);
    }
    case ValueType::kNumeric: return from_numeric(slot, arena);
    case ValueType::kString:
    case ValueType::kPgText: {
      const bool id = column.id_text_column || column.policy.ref;
      return id && column.policy.id_text == IdStyle::kSafe
                 ? from_id_text(slot, arena)
                 : Value::of(ValueType::kString, slot.bytes());
    }
    case ValueType::kBinary: return Value::of(ValueType::kBinary, slot.bytes());
    case ValueType::kUuid: return Value::of(ValueType::kBinary, slot.bytes(), kUuidBinary);
    case ValueType::kDay:
    case ValueType::kMicros: return from_time(slot, column.type, arena);
    case ValueType::kJson:
      if (column.policy.json_text) return Value::of(ValueType::kString, slot.bytes());
      return from_json(column.policy.json, slot.text(), arena);
    case ValueType::kVector:
    case ValueType::kHalfVector: return from_vector(slot, arena);
    case ValueType::kPgArray: return from_array(column, slot, arena);
    case ValueType::kTime:
    case ValueType::kInterval:
    case ValueType::kSparseVector:
    case ValueType::kBits:
      return Value::of(ValueType::kString, arena.copy(coerced_text(slot, column.type)));
    default: return {};
  }
}

}  // namespace lugger
