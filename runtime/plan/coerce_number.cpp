// bool, int2/4/8, float4/8, numeric.
#include <array>
#include <cmath>

#include "base/ascii.hpp"
#include "plan/coerce.hpp"
#include "value/pgrow_reader.hpp"
#include "value/single.hpp"

namespace lugger {

namespace {

using Fraction = CoercePolicy::Fraction;

struct IntRange {
  int64_t low, high;
};

IntRange int_range(Kind kind) noexcept {
  if (kind == Kind::kInt2) return {INT16_MIN, INT16_MAX};
  if (kind == Kind::kInt4) return {INT32_MIN, INT32_MAX};
  return {INT64_MIN, INT64_MAX};
}

Failure set_int(Kind kind, int64_t value, Value& out) noexcept {
  const IntRange range = int_range(kind);
  if (value < range.low || value > range.high) return Failure::kOutOfRange;
  out = Value::of(ValueType::kInt64, value);
  return Failure::kNone;
}

bool is_integer(ValueType type) noexcept {
  return type == ValueType::kInt32 || type == ValueType::kInt64;
}

/// Any input as digits: numbers, and text unless the policy is strict. kNone with `null`: it reads
/// as null.
Failure digits_in(Coercer& c, const Value& in, bool& null) {
  null = false;
  if (number_digits(in, c.digits())) return Failure::kNone;
  if (!is_text(in.type) || c.policy().strict) return Failure::kWrongType;
  std::string_view text;
  if (read_text(c.policy(), in, text)) {
    null = true;
    return Failure::kNone;
  }
  switch (parse_decimal(text, c.policy().number, c.digits())) {
    case DecimalFault::kNone: return Failure::kNone;
    case DecimalFault::kOverflow: return Failure::kOutOfRange;
    default: return Failure::kSyntax;
  }
}

Failure int_from_double(Coercer& c, double value, Value& out) {
  bool keep = false;
  if (!std::isfinite(value)) return non_finite(c.policy(), false, keep, out);
  double whole = std::trunc(value);
  if (whole != value) {
    if (c.policy().fraction == Fraction::kReject) return Failure::kInexact;
    if (c.policy().fraction == Fraction::kRound) whole = std::round(value);
  }
  constexpr double kLimit = 9223372036854775808.0;
  if (whole < -kLimit || whole >= kLimit) return Failure::kOutOfRange;
  return set_int(c.type().kind, static_cast<int64_t>(whole), out);
}

/// Digits beyond `scale` by policy. kInexact: they may not go.
Failure apply_fraction(Coercer& c, int scale) {
  DecimalDigits& digits = c.digits();
  if (digits.scale <= scale) return Failure::kNone;
  if (c.policy().fraction == Fraction::kRound) {
    round_decimal(digits, scale);
    return Failure::kNone;
  }
  const bool lost = truncate_decimal(digits, scale);
  return lost && c.policy().fraction == Fraction::kReject ? Failure::kInexact : Failure::kNone;
}

bool same_value(const DecimalDigits& a, const DecimalDigits& b) noexcept {
  const size_t a_end = a.digits.find_last_not_of('0') + 1,
               b_end = b.digits.find_last_not_of('0') + 1;
  if (a_end != b_end || a.digits.compare(0, a_end, b.digits, 0, b_end) != 0) return false;
  if (a_end == 0) return true;
  return a.negative == b.negative && static_cast<int64_t>(a.digits.size()) - a.scale ==
                                         static_cast<int64_t>(b.digits.size()) - b.scale;
}

Value single_value(float value) noexcept {
  Value out = Value::of_double(static_cast<double>(value));
  out.aux = kSingle;
  return out;
}

/// float4 stands for rounding to float; as in PostgreSQL, what would become infinite or zero is
/// refused.
Failure set_float(Kind kind, double value, Value& out) noexcept {
  out = Value::of_double(value);
  if (kind != Kind::kFloat4) return Failure::kNone;
  out = single_value(single_from_double(value));
  const bool lost = (std::isinf(out.f64) && !std::isinf(value)) || (out.f64 == 0 && value != 0);
  return lost ? Failure::kOutOfRange : Failure::kNone;
}

Failure float_from_int(Coercer& c, int64_t value, Value& out) {
  const bool single = c.type().kind == Kind::kFloat4;
  const double held =
      single ? static_cast<double>(static_cast<float>(value)) : static_cast<double>(value);
  const bool exact = held < 9223372036854775808.0 && static_cast<int64_t>(held) == value;
  if (!exact && c.policy().fraction == Fraction::kReject) return Failure::kInexact;
  out = single ? single_value(static_cast<float>(value)) : Value::of_double(held);
  return Failure::kNone;
}

Failure float_from_digits(Coercer& c, Value& out) {
  const DecimalDigits& digits = c.digits();
  const bool single = c.type().kind == Kind::kFloat4;
  const double value =
      single ? static_cast<double>(decimal_to_float(digits)) : decimal_to_double(digits);
  const bool zero = digits.digits.find_first_not_of('0') == std::string::npos;
  if (std::isinf(value) || (value == 0 && !zero)) return Failure::kOutOfRange;
  // Up to 15 digits any decimal survives the way into a double and back, apart from the subnormals.
  const bool may_lose = digits.digits.size() > 15 || std::fabs(value) < 1e-300;
  if (may_lose && !single && c.policy().fraction == Fraction::kReject) {
    DecimalDigits back;
    decimal_from_double(value, back);
    if (!same_value(digits, back)) {
      decimal_from_double_exact(value, back);
      if (!same_value(digits, back)) return Failure::kInexact;
    }
  }
  out = single ? single_value(static_cast<float>(value)) : Value::of_double(value);
  return Failure::kNone;
}

Failure numeric_from_digits(Coercer& c, Value& out, Arena& arena) {
  DecimalDigits& digits = c.digits();
  const ColumnType& type = c.type();
  if (digits.kind != DecimalDigits::Kind::kFinite) {
    bool keep = false;
    const bool holds = digits.kind == DecimalDigits::Kind::kNaN ||
                       type.precision == 0;  // numeric(p,s) has no infinity
    const Failure failure = non_finite(c.policy(), holds, keep, out);
    if (keep) out = Value::of(ValueType::kNumeric, decimal_to_numeric(digits, 0, arena));
    return failure;
  }
  if (type.precision > 0) {
    if (const Failure failure = apply_fraction(c, type.scale); failure != Failure::kNone)
      return failure;
  }
  if (!fits_precision(digits, type.precision, type.scale)) return Failure::kOutOfRange;
  out = Value::of(ValueType::kNumeric,
                  decimal_to_numeric(digits, type.precision > 0 ? type.scale : 0, arena));
  return Failure::kNone;
}

/// int64 fits numeric(p, s) for sure: no need to take it apart.
bool int_fits(const ColumnType& type, int64_t value) noexcept {
  if (type.precision == 0) return true;
  const int whole = type.precision - type.scale;
  if (type.scale < 0 || whole <= 0) return false;
  if (whole >= 19) return true;
  static constexpr auto kPowers = [] {
    std::array<int64_t, 19> out{};
    out[0] = 1;
    for (size_t i = 1; i < out.size(); ++i) out[i] = out[i - 1] * 10;
    return out;
  }();
  const int64_t limit = kPowers[static_cast<size_t>(whole)];
  return value > -limit && value < limit;
}

/// White space around it does not count, as in PostgreSQL.
Failure bool_from_text(std::string_view text, Value& out) noexcept {
  text = trimmed(text);
  for (const std::string_view word : {"true", "t", "yes", "y", "on", "1"}) {
    if (is_word(text, word)) {
      out = Value::of(ValueType::kBool, 1);
      return Failure::kNone;
    }
  }
  for (const std::string_view word : {"false", "f", "no", "n", "off", "0"}) {
    if (is_word(text, word)) {
      out = Value::of(ValueType::kBool, 0);
      return Failure::kNone;
    }
  }
  return Failure::kSyntax;
}

}  // namespace

bool number_digits(const Value& in, DecimalDigits& digits) {
  switch (in.type) {
    case ValueType::kInt32:
    case ValueType::kInt64: decimal_from_int(in.i64, digits); return true;
    case ValueType::kDouble:
      in.aux == kSingle ? decimal_from_float(static_cast<float>(in.f64), digits)
                        : decimal_from_double(in.f64, digits);
      return true;
    case ValueType::kDecimal: decimal_from_bson(in.data, digits); return true;
    case ValueType::kNumeric: decimal_from_numeric(in.bytes(), digits); return true;
    default: return false;
  }
}

Failure coerce_bool(Coercer& c, const Value& in, Value& out, Arena&) {
  if (in.type == ValueType::kBool) {
    out = in;
    return Failure::kNone;
  }
  if (in.absent()) return null_out(out);
  if (c.policy().strict) return Failure::kWrongType;
  if (is_text(in.type)) {
    std::string_view text;
    if (read_text(c.policy(), in, text)) return null_out(out);
    return bool_from_text(text, out);
  }
  if (!number_digits(in, c.digits())) return Failure::kWrongType;
  int64_t value = 0;
  if (decimal_to_int(c.digits(), value) != DecimalFault::kNone || (value != 0 && value != 1))
    return Failure::kOutOfRange;
  out = Value::of(ValueType::kBool, value);
  return Failure::kNone;
}

Failure coerce_int(Coercer& c, const Value& in, Value& out, Arena&) {
  if (is_integer(in.type)) return set_int(c.type().kind, in.i64, out);
  if (in.absent()) return null_out(out);
  if (in.type == ValueType::kDouble) return int_from_double(c, in.f64, out);
  bool null = false, keep = false;
  if (const Failure failure = digits_in(c, in, null); failure != Failure::kNone) return failure;
  if (null) return null_out(out);
  if (c.digits().kind != DecimalDigits::Kind::kFinite)
    return non_finite(c.policy(), false, keep, out);
  if (const Failure failure = apply_fraction(c, 0); failure != Failure::kNone) return failure;
  int64_t value = 0;
  if (decimal_to_int(c.digits(), value) != DecimalFault::kNone) return Failure::kOutOfRange;
  return set_int(c.type().kind, value, out);
}

Failure coerce_float(Coercer& c, const Value& in, Value& out, Arena&) {
  if (in.absent()) return null_out(out);
  if (is_integer(in.type)) return float_from_int(c, in.i64, out);
  bool null = false, keep = false;
  if (in.type == ValueType::kDouble) {
    if (std::isfinite(in.f64)) return set_float(c.type().kind, in.f64, out);
    const Failure failure = non_finite(c.policy(), true, keep, out);
    return keep ? set_float(c.type().kind, in.f64, out) : failure;
  }
  if (const Failure failure = digits_in(c, in, null); failure != Failure::kNone) return failure;
  if (null) return null_out(out);
  if (c.digits().kind != DecimalDigits::Kind::kFinite) {
    const Failure failure = non_finite(c.policy(), true, keep, out);
    return keep ? set_float(c.type().kind, decimal_to_double(c.digits()), out) : failure;
  }
  return float_from_digits(c, out);
}

Failure coerce_numeric(Coercer& c, const Value& in, Value& out, Arena& arena) {
  if (is_integer(in.type) && int_fits(c.type(), in.i64)) {
    out = Value::of(ValueType::kNumeric,
                    int_to_numeric(in.i64, c.type().precision > 0 ? c.type().scale : 0, arena));
    return Failure::kNone;
  }
  if (in.absent()) return null_out(out);
  bool null = false;
  if (const Failure failure = digits_in(c, in, null); failure != Failure::kNone) return failure;
  if (null) return null_out(out);
  const bool finite = c.digits().kind == DecimalDigits::Kind::kFinite;
  if (in.type == ValueType::kNumeric && finite && c.type().precision == 0) {
    out = in;
    return Failure::kNone;
  }
  return numeric_from_digits(c, out, arena);
}

}  // namespace lugger
