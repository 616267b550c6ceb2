// FFI: exact decimals.
#include <algorithm>
#include <string>

#include "bindings/abi.h"
#include "bindings/abi_cast.hpp"
#include "value/decimal.hpp"
#include "value/decimal_division.hpp"

using namespace lugger;

namespace {

void digits_of(const Value& value, DecimalDigits& out) {
  switch (value.type) {
    case ValueType::kDecimal: decimal_from_bson(value.data, out); break;
    case ValueType::kNumeric: decimal_from_numeric(value.bytes(), out); break;
    case ValueType::kDouble: decimal_from_double(value.f64, out); break;
    default: decimal_from_int(value.i64, out);
  }
}

bool is_finite(const DecimalDigits& value) { return value.kind == DecimalDigits::Kind::kFinite; }
bool is_zero(const DecimalDigits& value) {
  return value.digits.find_first_not_of('0') == std::string::npos;
}

void strip_zeros(std::string& digits) {
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
}

/// Gives both the same scale, so that their digits can be compared and added as integers.
void align(DecimalDigits& a, DecimalDigits& b) {
  const int32_t scale = std::max({a.scale, b.scale, 0});
  a.digits.append(static_cast<size_t>(scale - a.scale), '0');
  b.digits.append(static_cast<size_t>(scale - b.scale), '0');
  a.scale = b.scale = scale;
  strip_zeros(a.digits);
  strip_zeros(b.digits);
}

int compare_digits(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

std::string add_digits(const std::string& a, const std::string& b) {
  std::string out(std::max(a.size(), b.size()) + 1, '0');
  int carry = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const int sum = carry + (i < a.size() ? a[a.size() - 1 - i] - '0' : 0) +
                    (i < b.size() ? b[b.size() - 1 - i] - '0' : 0);
    out[out.size() - 1 - i] = static_cast<char>('0' + sum % 10);
    carry = sum / 10;
  }
  strip_zeros(out);
  return out;
}

/// a must not be smaller than b.
std::string subtract_digits(const std::string& a, const std::string& b) {
  std::string out(a.size(), '0');
  int borrow = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    int digit = a[a.size() - 1 - i] - '0' - borrow - (i < b.size() ? b[b.size() - 1 - i] - '0' : 0);
    borrow = digit < 0 ? 1 : 0;
    out[out.size() - 1 - i] = static_cast<char>('0' + digit + borrow * 10);
  }
  strip_zeros(out);
  return out;
}

std::string multiply_digits(const std::string& a, const std::string& b) {
  std::string out(a.size() + b.size(), '\0');
  for (size_t i = a.size(); i-- > 0;) {
    int carry = 0;
    for (size_t j = b.size(); j-- > 0;) {
      const int sum = out[i + j + 1] + (a[i] - '0') * (b[j] - '0') + carry;
      out[i + j + 1] = static_cast<char>(sum % 10);
      carry = sum / 10;
    }
    out[i] = static_cast<char>(out[i] + carry);
  }
  for (char& digit : out) digit = static_cast<char>(digit + '0');
  strip_zeros(out);
  return out;
}

DecimalDigits add(DecimalDigits a, DecimalDigits b) {
  align(a, b);
  DecimalDigits out;
  out.scale = a.scale;
  if (a.negative == b.negative) {
    out.digits = add_digits(a.digits, b.digits);
    out.negative = a.negative;
  } else {
    const bool a_wins = compare_digits(a.digits, b.digits) >= 0;
    out.digits = a_wins ? subtract_digits(a.digits, b.digits) : subtract_digits(b.digits, a.digits);
    out.negative = a_wins ? a.negative : b.negative;
  }
  return out;
}

/// With the sign of the dividend, as PostgreSQL's numeric.
DecimalDigits remainder(DecimalDigits a, DecimalDigits b) {
  align(a, b);
  const int32_t scale = a.scale;
  a.scale = b.scale = 0;
  DecimalDigits whole = divide(a, b, 0, Rounding::kDown);
  DecimalDigits taken;
  taken.digits = multiply_digits(whole.digits, b.digits);
  taken.negative = !a.negative;
  DecimalDigits out = add(a, taken);
  out.scale = scale;
  return out;
}

/// Where one of them is infinite or NaN: PostgreSQL's answers. A zero divisor is the caller's.
DecimalDigits compute_endless(const DecimalDigits& a, const DecimalDigits& b, int op) {
  using Kind = DecimalDigits::Kind;
  DecimalDigits nan, endless;
  nan.kind = Kind::kNaN;
  endless.kind = Kind::kInfinity;
  if (a.kind == Kind::kNaN || b.kind == Kind::kNaN) return nan;
  const bool both = a.kind == b.kind;
  switch (op) {
    case '+':
    case '-':  // the caller has turned the sign of b
      if (both && a.negative != b.negative) return nan;
      endless.negative = a.kind == Kind::kInfinity ? a.negative : b.negative;
      return endless;
    case '*':
      if (is_finite(a) ? is_zero(a) : is_finite(b) && is_zero(b)) return nan;
      endless.negative = a.negative != b.negative;
      return endless;
    case '/':
      if (both) return nan;
      if (is_finite(a)) return DecimalDigits{};
      endless.negative = a.negative != b.negative;
      return endless;
    default: return is_finite(a) ? a : nan;  // the remainder
  }
}

/// What PostgreSQL's numeric holds: a result with more digits before the point is refused, and one
/// with more decimals is rounded.
uint32_t give_numeric(DecimalDigits& value, uint8_t* out, uint32_t room) {
  constexpr int64_t kMostWhole = 131072;
  constexpr int kMostDecimals = 16383;
  if (is_finite(value) && value.scale > kMostDecimals) round_decimal(value, kMostDecimals);
  if (is_finite(value) && !is_zero(value)) {
    strip_zeros(value.digits);
    if (static_cast<int64_t>(value.digits.size()) - value.scale > kMostWhole)
      return LUG_DECIMAL_OUT_OF_RANGE;
  }
  Arena arena(4096);
  const Bytes bytes = decimal_to_numeric(value, std::max(value.scale, 0), arena);
  if (bytes.size() > room) return 0;
  std::memcpy(out, bytes.data(), bytes.size());
  return static_cast<uint32_t>(bytes.size());
}

/// NaN is equal to itself and greater than all else, as in PostgreSQL.
int rank(const DecimalDigits& value) {
  if (value.kind == DecimalDigits::Kind::kNaN) return 2;
  if (value.kind == DecimalDigits::Kind::kInfinity) return value.negative ? -1 : 1;
  return 0;
}

}  // namespace

extern "C" {

uint32_t lug_decimal_parse(const char* text, uint32_t size, uint8_t* out, uint32_t room) noexcept {
  try {
    DecimalDigits digits;
    if (parse_decimal({text, size}, {}, digits) != DecimalFault::kNone) return 0;
    const uint32_t given = give_numeric(digits, out, room);
    return given == LUG_DECIMAL_OUT_OF_RANGE ? 0 : given;
  } catch (const std::exception&) {
    return 0;
  }
}

uint32_t lug_decimal_compute(const lug_value* a, const lug_value* b, int op, uint8_t* out,
                             uint32_t room) noexcept {
  try {
    DecimalDigits left, right, result;
    digits_of(as_value(*a), left);
    digits_of(as_value(*b), right);
    if (op == '-') right.negative = !right.negative;
    if (!is_finite(left) || !is_finite(right)) {
      result = compute_endless(left, right, op);
    } else if (op == '*') {
      result.digits = multiply_digits(left.digits, right.digits);
      result.scale = left.scale + right.scale;
      result.negative = left.negative != right.negative;
    } else if (op == '%') {
      result = remainder(left, right);
    } else {
      result = add(left, right);
    }
    if (is_finite(result) && is_zero(result)) result.negative = false;
    return give_numeric(result, out, room);
  } catch (const std::exception&) {
    return 0;
  }
}

uint32_t lug_decimal_divide(const lug_value* a, const lug_value* b, int scale, int mode,
                            uint8_t* out, uint32_t room) noexcept {
  try {
    DecimalDigits left, right, result;
    digits_of(as_value(*a), left);
    digits_of(as_value(*b), right);
    if (is_finite(left) && is_finite(right)) {
      const int digits = scale < 0 ? quotient_scale(left, right) : scale;
      result = divide(left, right, digits, static_cast<Rounding>(mode));
    } else {
      result = compute_endless(left, right, '/');
      if (is_finite(result)) result.scale = std::max(scale, 0);
    }
    return give_numeric(result, out, room);
  } catch (const std::exception&) {
    return 0;
  }
}

uint32_t lug_decimal_round(const lug_value* value, int scale, int mode, uint8_t* out,
                           uint32_t room) noexcept {
  try {
    DecimalDigits digits;
    digits_of(as_value(*value), digits);
    if (is_finite(digits)) round_decimal(digits, scale, static_cast<Rounding>(mode));
    return give_numeric(digits, out, room);
  } catch (const std::exception&) {
    return 0;
  }
}

int lug_decimal_compare(const lug_value* a, const lug_value* b) noexcept {
  try {
    DecimalDigits left, right;
    digits_of(as_value(*a), left);
    digits_of(as_value(*b), right);
    if (!is_finite(left) || !is_finite(right))
      return rank(left) == rank(right) ? 0 : rank(left) < rank(right) ? -1 : 1;
    align(left, right);
    const bool zero = is_zero(left) && is_zero(right);
    if (zero) return 0;
    if (left.negative != right.negative) return left.negative ? -1 : 1;
    const int order = compare_digits(left.digits, right.digits);
    return left.negative ? -order : order;
  } catch (const std::exception&) {
    return 0;
  }
}

double lug_decimal_number(const lug_value* value) noexcept {
  try {
    DecimalDigits digits;
    digits_of(as_value(*value), digits);
    return decimal_to_double(digits);
  } catch (const std::exception&) {
    return 0;
  }
}

int lug_decimal_bson(const lug_value* value, uint8_t* out16) noexcept {
  try {
    if (value->type == static_cast<uint8_t>(ValueType::kDecimal)) {
      std::memcpy(out16, value->data, 16);
      return 1;
    }
    DecimalDigits digits;
    digits_of(as_value(*value), digits);
    return decimal_to_bson(digits, out16) ? 1 : 0;
  } catch (const std::exception&) {
    return 0;
  }
}

}  // extern "C"
