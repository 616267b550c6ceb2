// json, jsonb and one-dimensional arrays.
#include "plan/coerce.hpp"
#include "value/bson_reader.hpp"
#include "value/json_scan.hpp"
#include "value/pgrow_reader.hpp"
#include "value/plain_json.hpp"
#include "vector/elements.hpp"

namespace lugger {

namespace {

JsonPolicy json_policy(const CoercePolicy& policy) noexcept {
  JsonPolicy out{policy.nul, policy.utf8, JsonPolicy::NonFinite::kReject};
  if (policy.non_finite == CoercePolicy::NonFinite::kNull)
    out.non_finite = JsonPolicy::NonFinite::kNull;
  if (policy.non_finite == CoercePolicy::NonFinite::kKeep)
    out.non_finite = JsonPolicy::NonFinite::kText;
  return out;
}

uint32_t element_oid(Kind kind) noexcept {
  switch (kind) {
    case Kind::kBool: return 16;
    case Kind::kInt2: return 21;
    case Kind::kInt4: return 23;
    case Kind::kInt8: return 20;
    case Kind::kFloat4: return 700;
    case Kind::kFloat8: return 701;
    case Kind::kNumeric: return 1700;
    case Kind::kVarchar: return 1043;
    case Kind::kChar: return 1042;
    case Kind::kBytea: return 17;
    case Kind::kUuid: return 2950;
    case Kind::kDate: return 1082;
    case Kind::kTime: return 1083;
    case Kind::kTimestamp: return 1114;
    case Kind::kTimestamptz: return 1184;
    case Kind::kInterval: return 1186;
    case Kind::kJson: return 114;
    case Kind::kJsonb: return 3802;
    case Kind::kBit: return 1560;
    case Kind::kVarbit: return 1562;
    default: return 25;
  }
}

template <typename T>
void append_sized(T value, ByteBuffer& out) {
  out.append_be(static_cast<int32_t>(sizeof value));
  out.append_be(value);
}

void append_sized(Bytes bytes, ByteBuffer& out) {
  out.append_be(static_cast<int32_t>(bytes.size()));
  out.append(bytes);
}

/// A coerced element in its type's binary form, length first.
void encode_element(Kind kind, const Value& value, ByteBuffer& out) {
  if (value.type == ValueType::kNull) return out.append_be(int32_t{-1});
  switch (kind) {
    case Kind::kBool: return append_sized(static_cast<uint8_t>(value.i64), out);
    case Kind::kInt2: return append_sized(static_cast<int16_t>(value.i64), out);
    case Kind::kInt4:
    case Kind::kDate: return append_sized(static_cast<int32_t>(value.i64), out);
    case Kind::kInt8:
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestamptz: return append_sized(value.i64, out);
    case Kind::kFloat4: return append_sized(static_cast<float>(value.f64), out);
    case Kind::kFloat8: return append_sized(value.f64, out);
    case Kind::kJsonb:
      out.append_be(static_cast<int32_t>(value.size + 1));
      out.push(1);
      return out.append(value.bytes());
    default: return append_sized(value.bytes(), out);
  }
}

/// Writes {ndim 1, has null, oid, count, lower bound 1, elements} into the coercer's buffer.
class ArrayBuilder {
 public:
  ArrayBuilder(Coercer& c, Arena& arena) : c_(c), arena_(arena), out_(c.buffer()) {
    out_.clear();
    out_.append_be(int32_t{1});
    out_.append_be(int32_t{0});
    out_.append_be(element_oid(c.type().element));
    out_.append_be(int32_t{0});
    out_.append_be(int32_t{1});
  }
  Failure add(const Value& element) {
    const bool json = c_.type().element == Kind::kJson || c_.type().element == Kind::kJsonb;
    if (element.type == ValueType::kArray && !json) return Failure::kBadElement;
    Value coerced;
    const Failure failure = (*c_.element())(element, coerced, arena_);
    if (failure != Failure::kNone)
      return failure == Failure::kNonFinite ? failure : Failure::kBadElement;
    encode_element(c_.type().element, coerced, out_);
    has_null_ = has_null_ || coerced.type == ValueType::kNull;
    ++count_;
    return Failure::kNone;
  }
  Failure finish(Value& out) {
    if (out_.size() > kMaxFieldBytes) return Failure::kTooBig;
    store_be(out_.data() + 4, static_cast<int32_t>(has_null_ ? 1 : 0));
    store_be(out_.data() + 12, count_);
    if (count_ == 0) {
      store_be(out_.data(), int32_t{0});
      out_.truncate(12);
    }
    out = Value::of(ValueType::kPgArray, Bytes(arena_.copy(out_.view()), out_.size()));
    return Failure::kNone;
  }

 private:
  Coercer& c_;
  Arena& arena_;
  ByteBuffer& out_;
  int32_t count_ = 0;
  bool has_null_ = false;
};

Failure from_bson_array(Coercer& c, const Value& in, Value& out, Arena& arena) {
  ArrayBuilder builder(c, arena);
  BsonReader reader(in.bytes());
  while (reader.next())
    if (const Failure failure = builder.add(reader.value()); failure != Failure::kNone)
      return failure;
  if (reader.fault() != BsonFault::kNone) return Failure::kMalformed;
  return builder.finish(out);
}

Failure from_pg_array(Coercer& c, const Value& in, Value& out, Arena& arena) {
  PgArrayReader reader(in.bytes());
  if (reader.malformed()) return Failure::kMalformed;
  const ColumnType& type = c.type();
  const bool bounded = type.precision != 0 || type.length != 0;
  if (reader.element_oid() == element_oid(type.element) && !bounded) {
    out = in;
    return Failure::kNone;
  }
  if (reader.dimensions() > 1) return Failure::kBadElement;
  ArrayBuilder builder(c, arena);
  while (reader.next(arena))
    if (const Failure failure = builder.add(reader.value()); failure != Failure::kNone)
      return failure;
  if (reader.malformed()) return Failure::kMalformed;
  return builder.finish(out);
}

/// Embeddings kept as real[] or double precision[].
Failure from_vector(Coercer& c, const Value& in, Value& out, Arena& arena) {
  Value floats;
  if (const Failure failure = to_floats(c, in, floats, arena); failure != Failure::kNone)
    return failure;
  ArrayBuilder builder(c, arena);
  for (size_t i = 0; i < floats.size; i += 4) {
    const Value element = Value::of_double(static_cast<double>(load_le<float>(floats.data + i)));
    if (const Failure failure = builder.add(element); failure != Failure::kNone) return failure;
  }
  return builder.finish(out);
}

bool is_vector(const Value& in) noexcept {
  return in.type == ValueType::kVector || in.type == ValueType::kHalfVector ||
         (in.type == ValueType::kBinary && in.aux == kVectorBinary);
}

/// JSON that stands in a text, with its very digits.
Failure json_of_text(const Value& text, Value& out) {
  std::string scratch;
  ByteBuffer ignored;
  try {
    json::append_strict(text.text(), scratch, ignored);
  } catch (const json::Mistake&) {
    return Failure::kSyntax;
  }
  out = Value::of(ValueType::kJson, text.text());
  return text.size >= kMaxFieldBytes ? Failure::kTooBig : Failure::kNone;
}

}  // namespace

Failure coerce_json(Coercer& c, const Value& in, Value& out, Arena& arena) {
  const CoercePolicy& policy = c.policy();
  if (in.absent()) {
    // A hook's lugger.null has 1 in i64, whatever the slot held before (codec.lua).
    const bool of_a_row = in.type == ValueType::kNull && in.aux == kSqlNull && in.i64 == 0;
    if (!policy.json_null || in.type == ValueType::kMissing || of_a_row) return null_out(out);
    out = Value::of(ValueType::kJson, std::string_view("null"));
    return Failure::kNone;
  }
  if (in.type == ValueType::kJson) {
    out = in;
    return in.size >= kMaxFieldBytes ? Failure::kTooBig : Failure::kNone;
  }
  Value source = in;
  if (is_text(in.type) && (policy.trim || policy.empty_null)) {
    std::string_view text;
    if (read_text(policy, in, text)) return null_out(out);
    source = Value::of(in.type, text);
  }
  if (policy.json_text && is_text(source.type)) return json_of_text(source, out);
  ArenaWriter writer(arena);
  const JsonFault fault = write_json(source, policy.json, json_policy(policy), writer);
  if (fault != JsonFault::kNone) return from_json_fault(fault);
  if (writer.size() >= kMaxFieldBytes) return Failure::kTooBig;
  out = Value::of(ValueType::kJson, writer.finish());
  return Failure::kNone;
}

Failure coerce_array(Coercer& c, const Value& in, Value& out, Arena& arena) {
  if (in.absent()) return null_out(out);
  if (in.type == ValueType::kArray) return from_bson_array(c, in, out, arena);
  // A script's empty table says neither list nor document.
  constexpr uint32_t kEmpty = 5;
  if (in.type == ValueType::kDocument && in.size == kEmpty && (in.flags & Value::kWritten) != 0)
    return from_bson_array(c, Value::of(ValueType::kArray, in.bytes()), out, arena);
  if (in.type == ValueType::kPgArray) return from_pg_array(c, in, out, arena);
  const Kind element = c.type().element;
  const bool numbers = element >= Kind::kInt2 && element <= Kind::kNumeric;
  return numbers && is_vector(in) ? from_vector(c, in, out, arena) : Failure::kWrongType;
}

}  // namespace lugger
