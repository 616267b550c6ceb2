#include "postgres/encode.hpp"

#include "base/byte_order.hpp"
#include "base/error.hpp"

namespace lugger {
namespace {

[[noreturn]] void wrong_slot(const Value& value, std::string_view wanted) {
  raise(Code::kBug, "a slot holds {} where its column's coercer promises {}", type_word(value.type),
        wanted);
}

/// Writes NULL here, so that the encoders below only get values.
template <void (*Encode)(const Value&, ByteBuffer&)>
void nullable(const Value& value, ByteBuffer& out) {
  if (value.absent()) {
    out.append_be<int32_t>(-1);
  } else {
    Encode(value, out);
  }
}

template <ValueType Type>
void expect(const Value& value) {
  if (value.type != Type) [[unlikely]]
    wrong_slot(value, type_word(Type));
}

template <typename T>
void append_fixed(T value, ByteBuffer& out) {
  uint8_t* at = out.room(4 + sizeof value);
  store_be<int32_t>(at, sizeof value);
  store_be(at + 4, value);
  out.advance(4 + sizeof value);
}

void append_sized(Bytes bytes, ByteBuffer& out) {
  uint8_t* at = out.room(4 + bytes.size());
  store_be<int32_t>(at, static_cast<int32_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(at + 4, bytes.data(), bytes.size());
  out.advance(4 + bytes.size());
}

void encode_bool(const Value& value, ByteBuffer& out) {
  expect<ValueType::kBool>(value);
  append_fixed<uint8_t>(value.i64 != 0, out);
}

template <typename T>
void encode_int(const Value& value, ByteBuffer& out) {
  expect<ValueType::kInt64>(value);
  append_fixed(static_cast<T>(value.i64), out);
}

template <typename T>
void encode_float(const Value& value, ByteBuffer& out) {
  expect<ValueType::kDouble>(value);
  append_fixed(static_cast<T>(value.f64), out);
}

/// Types whose slot already has the binary format.
template <ValueType Type>
void encode_bytes(const Value& value, ByteBuffer& out) {
  expect<Type>(value);
  append_sized(value.bytes(), out);
}

void encode_jsonb(const Value& value, ByteBuffer& out) {
  expect<ValueType::kJson>(value);
  uint8_t* at = out.room(5 + size_t{value.size});
  store_be<int32_t>(at, static_cast<int32_t>(value.size + 1));
  at[4] = 1;  // jsonb's version
  std::memcpy(at + 5, value.data, value.size);
  out.advance(5 + size_t{value.size});
}

void encode_date(const Value& value, ByteBuffer& out) {
  expect<ValueType::kDay>(value);
  // Infinity is the limit of the range: that of an int64 becomes that of an int32.
  int64_t day = std::clamp<int64_t>(value.i64, INT32_MIN, INT32_MAX);
  append_fixed(static_cast<int32_t>(day), out);
}

template <ValueType Type>
void encode_i64(const Value& value, ByteBuffer& out) {
  expect<Type>(value);
  append_fixed(value.i64, out);
}

/// vector and halfvec: int16 dimensions, int16 zero, the elements.
template <ValueType Type, typename Element>
void encode_vector(const Value& value, ByteBuffer& out) {
  expect<Type>(value);
  size_t count = value.size / sizeof(Element);
  uint8_t* at = out.room(8 + value.size);
  store_be<int32_t>(at, static_cast<int32_t>(4 + value.size));
  store_be<int16_t>(at + 4, static_cast<int16_t>(count));
  store_be<int16_t>(at + 6, 0);
  swap_elements<Element>(value.data, count, at + 8);
  out.advance(8 + value.size);
}

void encode_text(const Value& value, ByteBuffer& out) {
  if (value.type != ValueType::kString && value.type != ValueType::kPgText) [[unlikely]]
    wrong_slot(value, "text");
  append_sized(value.bytes(), out);
}

}  // namespace

EncodeField field_encoder(Kind kind) noexcept {
  switch (kind) {
    case Kind::kBool: return nullable<encode_bool>;
    case Kind::kInt2: return nullable<encode_int<int16_t>>;
    case Kind::kInt4: return nullable<encode_int<int32_t>>;
    case Kind::kInt8: return nullable<encode_int<int64_t>>;
    case Kind::kFloat4: return nullable<encode_float<float>>;
    case Kind::kFloat8: return nullable<encode_float<double>>;
    case Kind::kNumeric: return nullable<encode_bytes<ValueType::kNumeric>>;
    case Kind::kText:
    case Kind::kVarchar:
    case Kind::kChar:
    case Kind::kOther: return nullable<encode_text>;
    case Kind::kBytea: return nullable<encode_bytes<ValueType::kBinary>>;
    case Kind::kUuid: return nullable<encode_bytes<ValueType::kUuid>>;
    case Kind::kDate: return nullable<encode_date>;
    case Kind::kTime: return nullable<encode_i64<ValueType::kTime>>;
    case Kind::kTimestamp:
    case Kind::kTimestamptz: return nullable<encode_i64<ValueType::kMicros>>;
    case Kind::kInterval: return nullable<encode_bytes<ValueType::kInterval>>;
    case Kind::kJson: return nullable<encode_bytes<ValueType::kJson>>;
    case Kind::kJsonb: return nullable<encode_jsonb>;
    case Kind::kVector: return nullable<encode_vector<ValueType::kVector, float>>;
    case Kind::kHalfvec: return nullable<encode_vector<ValueType::kHalfVector, uint16_t>>;
    case Kind::kSparsevec: return nullable<encode_bytes<ValueType::kSparseVector>>;
    case Kind::kBit:
    case Kind::kVarbit: return nullable<encode_bytes<ValueType::kBits>>;
    case Kind::kArray: return nullable<encode_bytes<ValueType::kPgArray>>;
  }
  return nullable<encode_text>;
}

}  // namespace lugger
