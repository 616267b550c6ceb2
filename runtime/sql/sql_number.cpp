#include "sql/sql_number.hpp"

#include <fmt/format.h>

#include "base/ascii.hpp"

namespace lugger {
namespace {

bool begins_name(char c) noexcept {
  const char lower = to_lower(c);
  return (lower >= 'a' && lower <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

/// The base that a prefix says: 0x, 0o, 0b; 10 without one.
int base_of(std::string_view text) noexcept {
  if (text.size() < 2 || text[0] != '0') return 10;
  switch (to_lower(text[1])) {
    case 'x': return 16;
    case 'o': return 8;
    case 'b': return 2;
    default: return 10;
  }
}

bool is_digit_of(char c, int base) noexcept {
  const int value = hex_digit(c);
  return value >= 0 && value < base;
}

/// Digits with single underscores between them; `leading`: one may stand before the first too.
size_t digits(std::string_view text, size_t at, int base, bool leading) noexcept {
  size_t end = at;
  while (end < text.size()) {
    const bool joined = text[end] == '_' && (end > at || leading) && end + 1 < text.size() &&
                        is_digit_of(text[end + 1], base);
    if (joined) {
      end += 2;
    } else if (is_digit_of(text[end], base)) {
      ++end;
    } else {
      break;
    }
  }
  return end;
}

size_t exponent(std::string_view text, size_t at) noexcept {
  size_t from = at + 1;
  if (from < text.size() && (text[from] == '+' || text[from] == '-')) ++from;
  const size_t end = digits(text, from, 10, false);
  return end > from ? end : at;
}

}  // namespace

size_t number_length(std::string_view rest) noexcept {
  size_t end = 0;
  if (const int base = base_of(rest); base != 10) {
    end = digits(rest, 2, base, true);
    if (end == 2) return 0;
  } else {
    end = digits(rest, 0, 10, false);
    const bool range = rest.substr(end).starts_with("..");  // 1..10
    if (end < rest.size() && rest[end] == '.' && !range) end = digits(rest, end + 1, 10, false);
    if (end < rest.size() && to_lower(rest[end]) == 'e') end = exponent(rest, end);
  }
  const bool junk = end < rest.size() && (begins_name(rest[end]) || is_digit(rest[end]));
  return junk ? 0 : end;
}

std::string plain_number(std::string_view literal) {
  const int base = base_of(literal);
  std::string out;
  for (const char c : literal.substr(base == 10 ? 0 : 2)) {
    if (c != '_') out += c;
  }
  const size_t most = base == 2 ? 63 : 15;  // digits that surely fit 64 bits
  if (base != 10) {
    out = out.size() > most ? "" : fmt::format("{}", std::stoull(out, nullptr, base));
    if (out.empty() || out.size() > literal.size()) out.assign(literal.size(), '9');
  }
  return std::string(literal.size() - out.size(), '0') + out;
}

}  // namespace lugger
