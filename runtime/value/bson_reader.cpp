#include "value/bson_reader.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "value/marked.hpp"

namespace lugger {
namespace {

enum BsonType : uint8_t {
  kDouble = 0x01,
  kString = 0x02,
  kDocument = 0x03,
  kArray = 0x04,
  kBinary = 0x05,
  kUndefined = 0x06,
  kObjectId = 0x07,
  kBool = 0x08,
  kDate = 0x09,
  kNull = 0x0A,
  kRegex = 0x0B,
  kDbPointer = 0x0C,
  kCode = 0x0D,
  kSymbol = 0x0E,
  kCodeWithScope = 0x0F,
  kInt32 = 0x10,
  kTimestamp = 0x11,
  kInt64 = 0x12,
  kDecimal = 0x13,
  kMaxKey = 0x7F,
  kMinKey = 0xFF,
};

/// What is left between `at` and the enclosing document's final 00.
struct Span {
  const uint8_t *at, *end;
  size_t left() const noexcept { return static_cast<size_t>(end - at); }
};

Value take(Span& span, ValueType type, size_t size, uint16_t aux = 0) noexcept {
  Value value = Value::of(type, Bytes{span.at, size}, aux);
  span.at += size;
  return value;
}

template <typename T>
BsonFault scan_fixed(Span& span, T& out) noexcept {
  if (span.left() < sizeof(T)) return BsonFault::kTruncatedElement;
  out = load_le<T>(span.at);
  span.at += sizeof(T);
  return BsonFault::kNone;
}

BsonFault scan_bytes(Span& span, ValueType type, size_t size, Value& out) noexcept {
  if (span.left() < size) return BsonFault::kTruncatedElement;
  out = take(span, type, size);
  return BsonFault::kNone;
}

BsonFault scan_string(Span& span, ValueType type, Value& out) noexcept {
  if (span.left() < 5) return BsonFault::kTruncatedElement;
  const auto size = load_le<int32_t>(span.at);
  if (size < 1 || static_cast<size_t>(size) > span.left() - 4) return BsonFault::kBadStringLength;
  const size_t text = static_cast<size_t>(size) - 1;
  if (span.at[4 + text] != 0) return BsonFault::kBadStringLength;
  span.at += 4;
  out = take(span, type, text);
  ++span.at;
  return BsonFault::kNone;
}

BsonFault scan_nested(Span& span, ValueType type, Value& out) noexcept {
  if (span.left() < 5) return BsonFault::kTruncatedElement;
  const auto size = load_le<int32_t>(span.at);
  if (size < 5) return BsonFault::kTooShort;
  if (static_cast<size_t>(size) > span.left()) return BsonFault::kTruncatedElement;
  out = take(span, type, static_cast<size_t>(size));
  return BsonFault::kNone;
}

// The old generic subtype 02 repeats its length inside; what users stored is behind it.
BsonFault scan_binary(Span& span, Value& out) noexcept {
  if (span.left() < 5) return BsonFault::kTruncatedElement;
  const auto size = load_le<int32_t>(span.at);
  if (size < 0 || static_cast<size_t>(size) > span.left() - 5) return BsonFault::kTruncatedElement;
  const uint8_t subtype = span.at[4];
  span.at += 5;
  out = take(span, ValueType::kBinary, static_cast<size_t>(size), subtype);
  if (subtype == kMarkedSubtype) {
    const Value marked = marked_value(out.bytes());
    if (marked.type != ValueType::kMissing) out = marked;
  } else if (subtype == 2 && size >= 4 && load_le<int32_t>(out.data) == size - 4) {
    out.data += 4;
    out.size -= 4;
  }
  return BsonFault::kNone;
}

BsonFault scan_regex(Span& span, Value& out) noexcept {
  const uint8_t* pattern_end = find_zero(span.at, span.end);
  if (pattern_end == nullptr) return BsonFault::kTruncatedElement;
  const uint8_t* options_end = find_zero(pattern_end + 1, span.end);
  if (options_end == nullptr) return BsonFault::kTruncatedElement;
  out = take(span, ValueType::kRegex, static_cast<size_t>(options_end + 1 - span.at));
  return BsonFault::kNone;
}

BsonFault scan_db_pointer(Span& span, Value& out) noexcept {
  const uint8_t* start = span.at;
  if (BsonFault fault = scan_string(span, ValueType::kString, out); fault != BsonFault::kNone) {
    return fault;
  }
  if (span.left() < 12) return BsonFault::kTruncatedElement;
  span.at = start;
  out = take(span, ValueType::kDbPointer, 4 + size_t{out.size} + 1 + 12);
  return BsonFault::kNone;
}

BsonFault scan_code_with_scope(Span& span, Value& out) noexcept {
  if (span.left() < 4 + 5 + 5) return BsonFault::kTruncatedElement;
  const auto total = load_le<int32_t>(span.at);
  if (total < 4 + 5 + 5) return BsonFault::kTooShort;
  if (static_cast<size_t>(total) > span.left()) return BsonFault::kTruncatedElement;
  Span inside{span.at + 4, span.at + total};
  Value part;
  if (BsonFault fault = scan_string(inside, ValueType::kCode, part); fault != BsonFault::kNone) {
    return fault;
  }
  if (BsonFault fault = scan_nested(inside, ValueType::kDocument, part);
      fault != BsonFault::kNone) {
    return fault;
  }
  if (inside.left() != 0) return BsonFault::kLengthMismatch;
  out = take(span, ValueType::kCodeWithScope, static_cast<size_t>(total));
  return BsonFault::kNone;
}

BsonFault scan_bool(Span& span, Value& out) noexcept {
  if (span.left() < 1) return BsonFault::kTruncatedElement;
  if (*span.at > 1) return BsonFault::kBadBool;
  out = Value::of(ValueType::kBool, *span.at++);
  return BsonFault::kNone;
}

template <typename T>
BsonFault scan_integer(Span& span, ValueType type, Value& out) noexcept {
  T number;
  const BsonFault fault = scan_fixed(span, number);
  if (fault == BsonFault::kNone) out = Value::of(type, int64_t{number});
  return fault;
}

/// NaN is always the same one: LuaJIT keeps the types of its values in the other bits of a NaN.
BsonFault scan_double(Span& span, Value& out) noexcept {
  double number;
  const BsonFault fault = scan_fixed(span, number);
  if (fault == BsonFault::kNone)
    out = Value::of_double(std::isnan(number) ? std::numeric_limits<double>::quiet_NaN() : number);
  return fault;
}

BsonFault scan_nothing(ValueType type, Value& out) noexcept {
  out = Value::of(type, 0);
  return BsonFault::kNone;
}

[[gnu::always_inline]] inline BsonFault scan_value(uint8_t type, Span& span, Value& out) noexcept {
  switch (type) {
    case kDouble: return scan_double(span, out);
    case kString: return scan_string(span, ValueType::kString, out);
    case kDocument: return scan_nested(span, ValueType::kDocument, out);
    case kArray: return scan_nested(span, ValueType::kArray, out);
    case kBinary: return scan_binary(span, out);
    case kUndefined: return scan_nothing(ValueType::kUndefined, out);
    case kObjectId: return scan_bytes(span, ValueType::kObjectId, 12, out);
    case kBool: return scan_bool(span, out);
    case kDate: return scan_integer<int64_t>(span, ValueType::kDate, out);
    case kNull: return scan_nothing(ValueType::kNull, out);
    case kRegex: return scan_regex(span, out);
    case kDbPointer: return scan_db_pointer(span, out);
    case kCode: return scan_string(span, ValueType::kCode, out);
    case kSymbol: return scan_string(span, ValueType::kSymbol, out);
    case kCodeWithScope: return scan_code_with_scope(span, out);
    case kInt32: return scan_integer<int32_t>(span, ValueType::kInt32, out);
    case kTimestamp: return scan_integer<int64_t>(span, ValueType::kTimestamp, out);
    case kInt64: return scan_integer<int64_t>(span, ValueType::kInt64, out);
    case kDecimal: return scan_bytes(span, ValueType::kDecimal, 16, out);
    case kMaxKey: return scan_nothing(ValueType::kMaxKey, out);
    case kMinKey: return scan_nothing(ValueType::kMinKey, out);
    default: return BsonFault::kUnknownType;
  }
}

BsonFault check_frame(Bytes document) noexcept {
  if (document.size() < 5) return BsonFault::kTooShort;
  const auto declared = load_le<int32_t>(document.data());
  if (declared < 0 || static_cast<size_t>(declared) != document.size()) {
    return BsonFault::kLengthMismatch;
  }
  return document.back() == 0 ? BsonFault::kNone : BsonFault::kNoTerminator;
}

/// The document inside a nested value; empty when there is none to descend into.
Bytes nested_document(const Value& value) noexcept {
  switch (value.type) {
    case ValueType::kDocument:
    case ValueType::kArray: return value.bytes();
    case ValueType::kCodeWithScope: return split_code_with_scope(value).second;
    default: return {};
  }
}

}  // namespace

std::string_view fault_text(BsonFault fault) noexcept {
  switch (fault) {
    case BsonFault::kNone: return "no fault";
    case BsonFault::kTooShort: return "a document shorter than 5 bytes";
    case BsonFault::kLengthMismatch: return "a length that does not match the bytes";
    case BsonFault::kNoTerminator: return "a document without its final zero byte";
    case BsonFault::kTruncatedElement: return "an element that reaches past its document";
    case BsonFault::kUnknownType: return "an unknown element type";
    case BsonFault::kBadStringLength: return "a string whose length is wrong";
    case BsonFault::kBadBool: return "a boolean that is neither 0 nor 1";
    case BsonFault::kTooDeep: return "documents nested too deep";
  }
  return "an unknown fault";
}

BsonReader::BsonReader(Bytes document) noexcept
    : start_(document.data()),
      at_(start_),
      end_(start_),
      element_(start_),
      fault_(check_frame(document)) {
  if (fault_ != BsonFault::kNone) return;
  at_ = element_ = start_ + 4;
  end_ = start_ + document.size() - 1;
}

bool BsonReader::fail(BsonFault fault) noexcept {
  fault_ = fault;
  at_ = end_ = element_;
  value_ = Value{};
  return false;
}

bool BsonReader::next() noexcept {
  element_ = at_;
  if (at_ == end_) return false;
  const uint8_t type = *at_;
  if (type == 0) return fail(BsonFault::kLengthMismatch);
  const uint8_t* name = at_ + 1;
  const uint8_t* name_end = find_zero(name, end_);
  if (name_end == nullptr) return fail(BsonFault::kTruncatedElement);
  name_ = reinterpret_cast<const char*>(name);
  name_size_ = static_cast<size_t>(name_end - name);
  Span span{name_end + 1, end_};
  const BsonFault fault = scan_value(type, span, value_);
  if (fault != BsonFault::kNone) return fail(fault);
  at_ = span.at;
  return true;
}

BsonFault validate_bson(Bytes document, int max_depth) noexcept {
  if (BsonFault fault = check_frame(document); fault != BsonFault::kNone) return fault;
  std::array<const uint8_t*, kMaxBsonDepth> ends;
  const int limit = std::min(max_depth, kMaxBsonDepth);
  if (limit < 1) return BsonFault::kTooDeep;
  int depth = 0;
  ends[0] = document.data() + document.size() - 1;
  Span span{document.data() + 4, ends[0]};
  for (;;) {
    if (span.at == span.end) {
      if (depth == 0) return BsonFault::kNone;
      ++span.at;
      span.end = ends[static_cast<size_t>(--depth)];
      continue;
    }
    const uint8_t type = *span.at;
    if (type == 0) return BsonFault::kLengthMismatch;
    const uint8_t* name_end = find_zero(span.at + 1, span.end);
    if (name_end == nullptr) return BsonFault::kTruncatedElement;
    span.at = name_end + 1;
    Value value;
    if (BsonFault fault = scan_value(type, span, value); fault != BsonFault::kNone) return fault;
    const Bytes inner = nested_document(value);
    if (inner.empty()) continue;
    if (inner.back() != 0) return BsonFault::kNoTerminator;
    if (++depth >= limit) return BsonFault::kTooDeep;
    ends[static_cast<size_t>(depth)] = inner.data() + inner.size() - 1;
    span = {inner.data() + 4, ends[static_cast<size_t>(depth)]};
  }
}

Value bson_field(Bytes document, std::string_view name) noexcept {
  Value out;
  for (BsonReader reader(document); reader.next();) {
    if (reader.name() == name) out = reader.value();
  }
  return out;
}

BsonPair split_code_with_scope(const Value& value) noexcept {
  Span span{value.data + 4, value.data + value.size};
  Value code, scope;
  scan_string(span, ValueType::kCode, code);
  scan_nested(span, ValueType::kDocument, scope);
  return {code.text(), scope.bytes()};
}

BsonPair split_regex(const Value& value) noexcept {
  const uint8_t* end = value.data + value.size;
  const uint8_t* pattern_end = find_zero(value.data, end);
  const Bytes pattern{value.data, pattern_end};
  return {as_text(pattern), Bytes{pattern_end + 1, end - 1}};
}

BsonPair split_db_pointer(const Value& value) noexcept {
  Span span{value.data, value.data + value.size};
  Value ns;
  scan_string(span, ValueType::kString, ns);
  return {ns.text(), Bytes{span.at, 12}};
}

}  // namespace lugger
