#include "value/compare.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "value/decimal.hpp"
#include "value/interval.hpp"
#include "value/looked_into.hpp"

namespace lugger {

namespace {

int sign(bool less, bool greater) { return less ? -1 : greater ? 1 : 0; }

template <typename T>
int order(const T& a, const T& b) {
  return sign(a < b, b < a);
}

int order_bytes(Bytes a, Bytes b) {
  const size_t common = std::min(a.size(), b.size());
  const int first = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  return first != 0 ? first : order(a.size(), b.size());
}

bool is_decimal(const Value& value) {
  return value.type == ValueType::kDecimal || value.type == ValueType::kNumeric;
}

void digits_of(const Value& value, Fractions fractions, DecimalDigits& out) {
  switch (value.type) {
    case ValueType::kDecimal: return decimal_from_bson(value.data, out);
    case ValueType::kNumeric: return decimal_from_numeric(value.bytes(), out);
    case ValueType::kDouble:
      return fractions == Fractions::kShortest && value.f64 != std::trunc(value.f64)
                 ? decimal_from_double(value.f64, out)
                 : decimal_from_double_exact(value.f64, out);
    default: return decimal_from_int(value.i64, out);
  }
}

/// NaN below -Infinity below numbers below Infinity.
int rank(const DecimalDigits& value) {
  if (value.kind == DecimalDigits::Kind::kNaN) return -2;
  if (value.kind == DecimalDigits::Kind::kInfinity) return value.negative ? -1 : 1;
  return 0;
}

int order_decimals(const Value& a, const Value& b, Fractions fractions) {
  DecimalDigits left, right;
  digits_of(a, fractions, left);
  digits_of(b, fractions, right);
  if (rank(left) != 0 || rank(right) != 0) return order(rank(left), rank(right));
  for (DecimalDigits* one : {&left, &right}) {
    one->digits.erase(0, one->digits.find_first_not_of('0'));
    if (one->digits.empty()) one->negative = false;
  }
  if (left.negative != right.negative) return left.negative ? -1 : 1;
  const int turned = left.negative ? -1 : 1;
  if (left.digits.empty() || right.digits.empty())
    return turned * order(!left.digits.empty(), !right.digits.empty());
  const auto magnitude = [](const DecimalDigits& d) {
    return static_cast<int64_t>(d.digits.size()) - d.scale;
  };
  if (magnitude(left) != magnitude(right)) return turned * order(magnitude(left), magnitude(right));
  const size_t length = std::max(left.digits.size(), right.digits.size());
  left.digits.resize(length, '0');
  right.digits.resize(length, '0');
  return turned * order(left.digits, right.digits);
}

int order_numbers(const Value& a, const Value& b, Fractions fractions) {
  if (is_decimal(a) || is_decimal(b)) return order_decimals(a, b, fractions);
  const bool left_double = a.type == ValueType::kDouble,
             right_double = b.type == ValueType::kDouble;
  if (!left_double && !right_double) return order(a.i64, b.i64);
  // A long double holds every int64 and every double.
  const long double left = left_double ? a.f64 : static_cast<long double>(a.i64);
  const long double right = right_double ? b.f64 : static_cast<long double>(b.i64);
  if (std::isnan(left) || std::isnan(right)) return order(!std::isnan(left), !std::isnan(right));
  return order(left, right);
}

/// Microseconds since 1970; PostgreSQL counts from 2000.
long double micros_of(const Value& value) {
  constexpr long double kSince2000 = 946684800000000.0L;
  constexpr long double kEndless = std::numeric_limits<long double>::infinity();
  if (value.type == ValueType::kDate) return static_cast<long double>(value.i64) * 1000;
  if (value.type == ValueType::kDay) {
    if (value.i64 == INT32_MAX || value.i64 == INT32_MIN)
      return value.i64 > 0 ? kEndless : -kEndless;
    return static_cast<long double>(value.i64) * 86400000000.0L + kSince2000;
  }
  if (value.i64 == INT64_MAX || value.i64 == INT64_MIN) return value.i64 > 0 ? kEndless : -kEndless;
  return static_cast<long double>(value.i64) + kSince2000;
}

int order_documents(const Value& a, const Value& b, bool names, Fractions fractions) {
  Arena arena(256);
  ElementReader left(a, arena), right(b, arena);
  for (;;) {
    const bool more_left = left.next(), more_right = right.next();
    if (!more_left || !more_right) return order(more_left, more_right);
    const int type = order(type_bracket(left.value().type), type_bracket(right.value().type));
    if (type != 0) return type;
    const int name = names ? left.name().compare(right.name()) : 0;
    if (name != 0) return name;
    const int value = compare_values(left.value(), right.value(), fractions);
    if (value != 0) return value;
  }
}

int order_binaries(const Value& a, const Value& b) {
  if (a.size != b.size) return order(a.size, b.size);
  const auto subtype = [](const Value& v) { return v.type == ValueType::kUuid ? 4 : v.aux; };
  if (subtype(a) != subtype(b)) return order(subtype(a), subtype(b));
  return order_bytes(a.bytes(), b.bytes());
}

}  // namespace

int type_bracket(ValueType type) noexcept {
  switch (type) {
    case ValueType::kMinKey: return 0;
    case ValueType::kMissing:
    case ValueType::kNull:
    case ValueType::kUndefined: return 1;
    case ValueType::kInt32:
    case ValueType::kInt64:
    case ValueType::kDouble:
    case ValueType::kDecimal:
    case ValueType::kNumeric: return 2;
    case ValueType::kString:
    case ValueType::kSymbol:
    case ValueType::kPgText: return 3;
    case ValueType::kDocument: return 4;
    case ValueType::kArray:
    case ValueType::kPgArray: return 5;
    case ValueType::kBinary:
    case ValueType::kUuid: return 6;
    case ValueType::kObjectId: return 7;
    case ValueType::kBool: return 8;
    case ValueType::kDate:
    case ValueType::kDay:
    case ValueType::kMicros: return 9;
    case ValueType::kTimestamp: return 10;
    case ValueType::kRegex: return 11;
    case ValueType::kDbPointer: return 12;
    case ValueType::kCode: return 13;
    case ValueType::kCodeWithScope: return 14;
    case ValueType::kMaxKey: return 100;
    default: return 20 + static_cast<int>(type);  // PostgreSQL's own: each beside its like
  }
}

int compare_values(const Value& a, const Value& b, Fractions fractions) {
  const int bracket = type_bracket(a.type);
  if (bracket != type_bracket(b.type)) return order(bracket, type_bracket(b.type));
  switch (bracket) {
    case 0:
    case 1:
    case 100: return 0;
    case 2: return order_numbers(a, b, fractions);
    case 4: return order_documents(a, b, true, fractions);
    case 5: return order_documents(a, b, false, fractions);
    case 6: return order_binaries(a, b);
    case 9: return order(micros_of(a), micros_of(b));
    case 10: return order(static_cast<uint64_t>(a.i64), static_cast<uint64_t>(b.i64));
    default: break;
  }
  if (a.type == ValueType::kBool || a.type == ValueType::kTime) return order(a.i64, b.i64);
  if (a.type == ValueType::kInterval)
    return compare_intervals(Interval::load(a.data), Interval::load(b.data));
  return order_bytes(a.bytes(), b.bytes());
}

bool is_true(const Value& value) {
  if (value.type == ValueType::kBool) return value.i64 != 0;
  const int bracket = type_bracket(value.type);
  if (bracket == type_bracket(ValueType::kInt64))
    return order_numbers(value, Value::of(ValueType::kInt64, 0), Fractions::kExact) != 0;
  return bracket != type_bracket(ValueType::kNull);
}

}  // namespace lugger
