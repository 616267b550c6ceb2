#include "value/decimal.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/ascii.hpp"
namespace lugger {

namespace {

constexpr int kMaxWhole = 131072,
              kMaxScale = 16383;  // digits before and after the point in a numeric

void start(DecimalDigits& out, DecimalDigits::Kind kind = DecimalDigits::Kind::kFinite,
           bool negative = false) {
  out.kind = kind;
  out.negative = negative;
  out.digits.clear();
  out.scale = 0;
}

/// Digits with marks, from the start of text: how many bytes they take, or npos.
size_t take_digits(std::string_view text, const NumberFormat& format, DecimalDigits& out) {
  size_t i = 0;
  int run = 0;  // digits since the last thousands mark
  bool any = false, grouped = false, fraction = false;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (is_digit(c)) {
      any = true;
      fraction ? ++out.scale : ++run;
      if (c != '0' || !out.digits.empty()) out.digits.push_back(c);
    } else if (c == format.decimal && !fraction) {
      if (grouped && run != 3) return std::string_view::npos;
      fraction = true;
    } else if (format.thousands != 0 && c == format.thousands && !fraction) {
      if (run == 0 || run > 3 || (grouped && run != 3)) return std::string_view::npos;
      grouped = true;
      run = 0;
    } else {
      break;
    }
  }
  if (!any || (grouped && !fraction && run != 3)) return std::string_view::npos;
  return i;
}

/// The first dropped digit and whether anything dropped is not zero; cuts the value to `scale`.
bool cut(DecimalDigits& value, int scale, char& first) {
  first = '0';
  if (value.kind != DecimalDigits::Kind::kFinite || value.scale <= scale) return false;
  const size_t drop = static_cast<size_t>(value.scale - scale);
  std::string& digits = value.digits;
  const size_t keep = digits.size() > drop ? digits.size() - drop : 0;
  if (digits.size() >= drop && drop > 0) first = digits[keep];
  const bool lost = std::any_of(digits.begin() + static_cast<ptrdiff_t>(keep), digits.end(),
                                [](char c) { return c != '0'; });
  digits.resize(keep);
  value.scale = scale;
  return lost;
}

void from_scientific(const char* text, const char* end, DecimalDigits& out) {
  start(out, DecimalDigits::Kind::kFinite, *text == '-');
  if (out.negative) ++text;
  int after = 0;
  bool fraction = false;
  for (; text != end && *text != 'e'; ++text) {
    if (*text == '.') {
      fraction = true;
      continue;
    }
    if (fraction) ++after;
    if (*text != '0' || !out.digits.empty()) out.digits.push_back(*text);
  }
  int exponent = 0;
  if (text != end) {
    ++text;
    if (*text == '+') ++text;
    std::from_chars(text, end, exponent);
  }
  out.scale = out.digits.empty() ? 0 : after - exponent;
}

template <typename Float>
void from_float(Float value, DecimalDigits& out) {
  if (!std::isfinite(value)) {
    const auto kind =
        std::isnan(value) ? DecimalDigits::Kind::kNaN : DecimalDigits::Kind::kInfinity;
    return start(out, kind, !std::isnan(value) && value < 0);
  }
  char text[48];
  const auto end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  from_scientific(text, end, out);
}

}  // namespace

DecimalFault parse_decimal(std::string_view text, const NumberFormat& format, DecimalDigits& out) {
  start(out);
  text = trimmed(text);
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    out.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (is_word(text, "nan")) {
    start(out, DecimalDigits::Kind::kNaN);
    return DecimalFault::kNone;
  }
  if (is_word(text, "inf") || is_word(text, "infinity")) {
    out.kind = DecimalDigits::Kind::kInfinity;
    return DecimalFault::kNone;
  }
  size_t used = take_digits(text, format, out);
  if (used == std::string_view::npos) return DecimalFault::kSyntax;
  int64_t exponent = 0;
  if (used < text.size() && (text[used] == 'e' || text[used] == 'E')) {
    ++used;
    bool negative = false;
    if (used < text.size() && (text[used] == '-' || text[used] == '+'))
      negative = text[used++] == '-';
    if (used == text.size() || !is_digit(text[used])) return DecimalFault::kSyntax;
    for (; used < text.size() && is_digit(text[used]); ++used)
      if (exponent < 10000000) exponent = exponent * 10 + (text[used] - '0');
    if (negative) exponent = -exponent;
  }
  if (used != text.size()) return DecimalFault::kSyntax;
  const int64_t scale = out.scale - exponent;
  if (out.digits.empty()) {
    out.scale = static_cast<int32_t>(std::clamp<int64_t>(scale, -kMaxWhole, kMaxScale));
    return DecimalFault::kNone;
  }
  if (scale > kMaxScale || static_cast<int64_t>(out.digits.size()) - scale > kMaxWhole)
    return DecimalFault::kOverflow;
  out.scale = static_cast<int32_t>(scale);
  return DecimalFault::kNone;
}

void decimal_from_int(int64_t value, DecimalDigits& out) {
  start(out, DecimalDigits::Kind::kFinite, value < 0);
  if (value == 0) return;
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  const char* first = value < 0 ? text + 1 : text;
  out.digits.append(first, static_cast<size_t>(end - first));
}

void decimal_from_double(double value, DecimalDigits& out) { from_float(value, out); }
void decimal_from_float(float value, DecimalDigits& out) { from_float(value, out); }

void decimal_from_double_exact(double value, DecimalDigits& out) {
  if (!std::isfinite(value) || value == 0) return from_float(value, out);
  int exponent = 0;
  auto mantissa = static_cast<uint64_t>(std::ldexp(std::frexp(std::fabs(value), &exponent), 53));
  exponent -= 53;
  const int zeros = std::countr_zero(mantissa);
  mantissa >>= zeros;
  exponent += zeros;
  // Limbs of nine digits, lowest first; m * 5^1074 has 767 digits, the largest double 309.
  std::array<uint64_t, 90> limbs{};
  size_t used = 0;
  constexpr uint64_t kLimb = 1000000000;
  for (; mantissa != 0; mantissa /= kLimb) limbs[used++] = mantissa % kLimb;
  const auto multiply = [&](uint64_t factor) {
    uint64_t carry = 0;
    for (size_t i = 0; i < used; ++i) {
      carry += limbs[i] * factor;
      limbs[i] = carry % kLimb;
      carry /= kLimb;
    }
    for (; carry != 0; carry /= kLimb) limbs[used++] = carry % kLimb;
  };
  for (int left = exponent; left > 0; left -= 29) multiply(uint64_t{1} << std::min(left, 29));
  for (int left = -exponent; left > 0;) {  // m / 2^k is m * 5^k / 10^k
    const int step = left >= 12 ? 12 : 1;
    multiply(step == 12 ? 244140625 : 5);
    left -= step;
  }
  start(out, DecimalDigits::Kind::kFinite, value < 0);
  out.scale = exponent < 0 ? -exponent : 0;
  for (size_t i = used; i-- > 0;) {
    char text[9];
    uint64_t limb = limbs[i];
    for (int d = 8; d >= 0; --d, limb /= 10) text[d] = static_cast<char>('0' + limb % 10);
    std::string_view part(text, 9);
    if (out.digits.empty()) part.remove_prefix(std::min(part.find_first_not_of('0'), part.size()));
    out.digits.append(part);
  }
}

bool round_decimal(DecimalDigits& value, int scale) {
  char first = '0';
  const bool lost = cut(value, scale, first);
  if (first < '5') return lost;
  std::string& digits = value.digits;
  size_t i = digits.size();
  while (i > 0 && digits[i - 1] == '9') digits[--i] = '0';
  if (i > 0) {
    ++digits[i - 1];
  } else {
    digits.insert(digits.begin(), '1');
  }
  return lost;
}

bool truncate_decimal(DecimalDigits& value, int scale) {
  char first = '0';
  return cut(value, scale, first);
}

bool fits_precision(const DecimalDigits& value, int precision, int scale) {
  if (value.kind != DecimalDigits::Kind::kFinite)
    return precision == 0 || value.kind == DecimalDigits::Kind::kNaN;
  if (value.digits.empty() || value.digits == "0") return true;
  const int64_t whole = static_cast<int64_t>(value.digits.size()) - value.scale;
  if (precision == 0) return whole <= kMaxWhole && value.scale <= kMaxScale;
  return whole <= precision - scale;
}

DecimalFault decimal_to_int(const DecimalDigits& value, int64_t& out) {
  if (value.kind != DecimalDigits::Kind::kFinite) return DecimalFault::kOverflow;
  const std::string& digits = value.digits;
  const size_t significant = digits.find_last_not_of('0') + 1;  // 0 when there is none
  out = 0;
  if (significant == 0) return DecimalFault::kNone;
  const int64_t whole = static_cast<int64_t>(digits.size()) - value.scale;
  if (whole > 19) return DecimalFault::kOverflow;
  uint64_t magnitude = 0;
  for (int64_t i = 0; i < whole; ++i) {
    const uint64_t digit = i < static_cast<int64_t>(digits.size())
                               ? static_cast<uint64_t>(digits[static_cast<size_t>(i)] - '0')
                               : 0;
    magnitude = magnitude * 10 + digit;  // 19 digits stay below 2^64
  }
  const uint64_t limit = static_cast<uint64_t>(INT64_MAX) + (value.negative ? 1 : 0);
  if (magnitude > limit) return DecimalFault::kOverflow;
  out = static_cast<int64_t>(value.negative ? 0 - magnitude : magnitude);
  return static_cast<int64_t>(significant) > whole ? DecimalFault::kInexact : DecimalFault::kNone;
}

namespace {

template <typename Float>
Float nearest_binary(const DecimalDigits& value) {
  constexpr Float kInfinity = std::numeric_limits<Float>::infinity();
  if (value.kind == DecimalDigits::Kind::kNaN) return std::numeric_limits<Float>::quiet_NaN();
  const Float sign = value.negative ? -1 : 1;
  if (value.kind == DecimalDigits::Kind::kInfinity) return sign * kInfinity;
  if (value.digits.empty() || value.digits == "0") return sign * 0;
  // Beyond 780 digits it only matters for rounding whether any digit is not zero.
  constexpr size_t kEnough = 780;
  char text[kEnough + 40];
  const size_t taken = std::min(value.digits.size(), kEnough);
  char* end = std::copy_n(value.digits.data(), taken, text);
  int64_t exponent = static_cast<int64_t>(value.digits.size() - taken) - value.scale;
  if (value.digits.find_first_not_of('0', taken) != std::string::npos) {
    *end++ = '1';
    --exponent;
  }
  *end++ = 'e';
  end = std::to_chars(end, end + 24, exponent).ptr;
  Float out = 0;
  const auto result = std::from_chars(text, end, out);
  if (result.ec == std::errc::result_out_of_range)
    out = static_cast<int64_t>(value.digits.size()) > value.scale ? kInfinity : 0;
  return sign * out;
}

}  // namespace

double decimal_to_double(const DecimalDigits& value) { return nearest_binary<double>(value); }
float decimal_to_float(const DecimalDigits& value) { return nearest_binary<float>(value); }

}  // namespace lugger
