// Decimals as text.
#include <charconv>
#include <cmath>

#include "value/decimal.hpp"

namespace lugger {

namespace {

std::string_view special_text(DecimalDigits::Kind kind, bool negative) noexcept {
  if (kind == DecimalDigits::Kind::kNaN) return "NaN";
  return negative ? "-Infinity" : "Infinity";
}

bool append_special(const DecimalDigits& value, ByteBuffer& out) {
  if (value.kind == DecimalDigits::Kind::kFinite) return false;
  out.append(special_text(value.kind, value.negative));
  return true;
}

std::string_view digits_of(const DecimalDigits& value) noexcept {
  return value.digits.empty() ? std::string_view("0") : std::string_view(value.digits);
}

void append_zeros(size_t count, ByteBuffer& out) {
  std::memset(out.room(count), '0', count);
  out.advance(count);
}

char* put(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

/// JavaScript's Number::toString of digits d1 d2 .. * 10^(adjusted - n + 1). Needs room for n + 32.
char* write_shortest(char* out, bool negative, std::string_view digits, int64_t adjusted) noexcept {
  if (negative) *out++ = '-';
  const auto n = static_cast<int64_t>(digits.size());
  if (adjusted >= 0 && adjusted < 21) {
    const int64_t whole = adjusted + 1;
    if (n <= whole) {
      out = put(out, digits);
      for (int64_t i = n; i < whole; ++i) *out++ = '0';
      return out;
    }
    out = put(out, digits.substr(0, static_cast<size_t>(whole)));
    *out++ = '.';
    return put(out, digits.substr(static_cast<size_t>(whole)));
  }
  if (adjusted < 0 && adjusted >= -6) {
    out = put(out, "0.");
    for (int64_t i = adjusted + 1; i < 0; ++i) *out++ = '0';
    return put(out, digits);
  }
  *out++ = digits[0];
  if (n > 1) {
    *out++ = '.';
    out = put(out, digits.substr(1));
  }
  *out++ = 'e';
  if (adjusted > 0) *out++ = '+';
  return std::to_chars(out, out + 24, adjusted).ptr;
}

constexpr size_t kScientificExtra = 24;  // sign, "0.00000" or ".E+" and an exponent

/// As the MongoDB shell prints decimals. Needs room for the digits and kScientificExtra.
char* write_scientific(char* out, bool negative, std::string_view digits, int64_t scale) noexcept {
  const int64_t n = static_cast<int64_t>(digits.size()), adjusted = n - 1 - scale;
  if (negative) *out++ = '-';
  if (scale >= 0 && adjusted >= -6) {
    if (scale == 0) return put(out, digits);
    if (n > scale) {
      out = put(out, digits.substr(0, static_cast<size_t>(n - scale)));
      *out++ = '.';
      return put(out, digits.substr(static_cast<size_t>(n - scale)));
    }
    out = put(out, "0.");
    for (int64_t i = n; i < scale; ++i) *out++ = '0';
    return put(out, digits);
  }
  out = put(out, digits.substr(0, 1));
  if (n > 1) {
    *out++ = '.';
    out = put(out, digits.substr(1));
  }
  out = put(out, adjusted < 0 ? "E" : "E+");
  return std::to_chars(out, out + 20, adjusted).ptr;
}

template <typename Float>
size_t float_to_chars(Float value, char* out) noexcept {
  if (std::isnan(value)) return static_cast<size_t>(put(out, "NaN") - out);
  if (std::isinf(value))
    return static_cast<size_t>(put(out, value < 0 ? "-Infinity" : "Infinity") - out);
  if (value == 0) return static_cast<size_t>(put(out, std::signbit(value) ? "-0" : "0") - out);
  char text[48], digits[48];
  const char* end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const char* at = value < 0 ? text + 1 : text;
  size_t count = 0;
  for (; *at != 'e'; ++at)
    if (*at != '.') digits[count++] = *at;
  int exponent = 0;
  ++at;
  std::from_chars(*at == '+' ? at + 1 : at, end, exponent);
  return static_cast<size_t>(write_shortest(out, value < 0, {digits, count}, exponent) - out);
}

}  // namespace

void append_plain(const DecimalDigits& value, ByteBuffer& out) {
  if (append_special(value, out)) return;
  const std::string_view digits = digits_of(value);
  const bool zero = digits == "0";
  if (value.negative && !zero) out.push('-');
  if (value.scale <= 0) {
    out.append(digits);
    if (!zero) append_zeros(static_cast<size_t>(-static_cast<int64_t>(value.scale)), out);
    return;
  }
  const auto scale = static_cast<size_t>(value.scale);
  if (digits.size() > scale) {
    out.append(digits.substr(0, digits.size() - scale));
    out.push('.');
    out.append(digits.substr(digits.size() - scale));
    return;
  }
  out.append("0.");
  append_zeros(scale - digits.size(), out);
  out.append(digits);
}

void append_scientific(const DecimalDigits& value, ByteBuffer& out) {
  if (append_special(value, out)) return;
  const std::string_view digits = digits_of(value);
  auto* room = reinterpret_cast<char*>(out.room(digits.size() + kScientificExtra));
  out.advance(
      static_cast<size_t>(write_scientific(room, value.negative, digits, value.scale) - room));
}

size_t decimal128_chars(const uint8_t* decimal128, char* out) noexcept {
  const Decimal128Digits value = decimal_from_bson(decimal128);
  const std::string_view digits =
      value.size == 0 ? "0" : std::string_view(value.digits, value.size);
  const char* end = nullptr;
  if (value.kind == DecimalDigits::Kind::kFinite) {
    end = write_scientific(out, value.negative, digits, value.scale);
  } else {
    end = put(out, special_text(value.kind, value.negative));
  }
  return static_cast<size_t>(end - out);
}

void append_shortest(const DecimalDigits& value, ByteBuffer& out) {
  if (append_special(value, out)) return;
  const size_t significant = value.digits.find_last_not_of('0') + 1;
  if (significant == 0) return out.push('0');
  const std::string_view digits = std::string_view(value.digits).substr(0, significant);
  const int64_t adjusted = static_cast<int64_t>(value.digits.size()) - 1 - value.scale;
  auto* room = reinterpret_cast<char*>(out.room(significant + 48));
  out.advance(static_cast<size_t>(write_shortest(room, value.negative, digits, adjusted) - room));
}

size_t double_chars(double value, char* out) noexcept { return float_to_chars(value, out); }
size_t float_chars(float value, char* out) noexcept { return float_to_chars(value, out); }

std::string double_text(double value) {
  char text[kDoubleChars];
  return {text, double_chars(value, text)};
}

std::string numeric_text(Bytes numeric) {
  DecimalDigits digits;
  decimal_from_numeric(numeric, digits);
  ByteBuffer out;
  append_plain(digits, out);
  return std::string(out.text());
}

std::string decimal128_text(const uint8_t* decimal128) {
  char text[kDecimal128Chars];
  return {text, decimal128_chars(decimal128, text)};
}

}  // namespace lugger
