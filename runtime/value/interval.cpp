// PostgreSQL intervals: months, days and microseconds kept apart.
#include <array>
#include <charconv>

#include "base/bytes.hpp"
#include "value/datetime.hpp"

namespace lugger {

namespace {

struct Parts {
  int64_t micros = 0, days = 0, months = 0;
};

enum class Unit : uint8_t { kMonths, kDays, kMicros };
struct UnitName {
  std::string_view name;
  Unit unit;
  int64_t factor;
};
constexpr int64_t kSecond = 1000000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
constexpr std::array kUnits = {
    UnitName{"year", Unit::kMonths, 12},
    UnitName{"yr", Unit::kMonths, 12},
    UnitName{"mon", Unit::kMonths, 1},
    UnitName{"month", Unit::kMonths, 1},
    UnitName{"week", Unit::kDays, 7},
    UnitName{"day", Unit::kDays, 1},
    UnitName{"hour", Unit::kMicros, kHour},
    UnitName{"hr", Unit::kMicros, kHour},
    UnitName{"min", Unit::kMicros, kMinute},
    UnitName{"minute", Unit::kMicros, kMinute},
    UnitName{"sec", Unit::kMicros, kSecond},
    UnitName{"second", Unit::kMicros, kSecond},
    UnitName{"millisecond", Unit::kMicros, 1000},
    UnitName{"ms", Unit::kMicros, 1000},
    UnitName{"microsecond", Unit::kMicros, 1},
    UnitName{"us", Unit::kMicros, 1},
};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_alpha(char c) noexcept { return (c | 32) >= 'a' && (c | 32) <= 'z'; }

/// A number of `unit`s, as an exact multiple of its smallest part; a fraction is taken where it
/// comes out even.
struct Number {
  bool negative = false;
  int64_t whole = 0;
  int64_t fraction = 0, scale = 1;  // fraction / scale
};

bool take_number(std::string_view& text, Number& out) noexcept {
  out = {};
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    out.negative = text[0] == '-';
    text.remove_prefix(1);
  }
  size_t i = 0;
  for (; i < text.size() && is_digit(text[i]); ++i) {
    if (i == 12) return false;
    out.whole = out.whole * 10 + (text[i] - '0');
  }
  bool any = i > 0;
  if (i < text.size() && text[i] == '.') {
    for (++i; i < text.size() && is_digit(text[i]); ++i) {
      any = true;
      if (out.scale == 1000000) return false;
      out.fraction = out.fraction * 10 + (text[i] - '0');
      out.scale *= 10;
    }
  }
  text.remove_prefix(i);
  return any;
}

bool add(Parts& parts, const Number& number, Unit unit, int64_t factor) noexcept {
  int64_t whole = 0, more = 0;
  if (__builtin_mul_overflow(number.whole, factor, &whole)) return false;
  if (__builtin_mul_overflow(number.fraction, unit == Unit::kDays ? factor * kMicrosPerDay : factor,
                             &more))
    return false;
  if (more % number.scale != 0) return false;
  more /= number.scale;
  if (number.negative) {
    whole = -whole;
    more = -more;
  }
  int64_t& main = unit == Unit::kMonths ? parts.months
                  : unit == Unit::kDays ? parts.days
                                        : parts.micros;
  int64_t& rest = unit == Unit::kMonths ? parts.months : parts.micros;
  return !__builtin_add_overflow(main, whole, &main) && !__builtin_add_overflow(rest, more, &rest);
}

bool add_named(Parts& parts, const Number& number, std::string_view word) noexcept {
  char lower[16];
  if (word.size() > sizeof lower) return false;
  for (size_t i = 0; i < word.size(); ++i) lower[i] = static_cast<char>(word[i] | 32);
  std::string_view name(lower, word.size());
  for (int pass = 0; pass < 2; ++pass) {
    for (const UnitName& unit : kUnits)
      if (unit.name == name) return add(parts, number, unit.unit, unit.factor);
    if (name.size() < 3 || name.back() != 's') return false;
    name.remove_suffix(1);
  }
  return false;
}

/// The rest of "02:03[:04.5]" after its first number.
bool add_clock(Parts& parts, const Number& hours, std::string_view& text) noexcept {
  if (hours.scale != 1) return false;
  Number minutes, seconds;
  text.remove_prefix(1);
  if (text.empty() || !is_digit(text[0]) || !take_number(text, minutes) || minutes.scale != 1 ||
      minutes.whole > 59)
    return false;
  if (!text.empty() && text[0] == ':') {
    text.remove_prefix(1);
    if (text.empty() || !is_digit(text[0]) || !take_number(text, seconds) || seconds.whole > 59)
      return false;
  }
  minutes.negative = seconds.negative = hours.negative;
  return add(parts, hours, Unit::kMicros, kHour) && add(parts, minutes, Unit::kMicros, kMinute) &&
         add(parts, seconds, Unit::kMicros, kSecond);
}

bool parse_verbose(std::string_view text, Parts& parts) noexcept {
  bool any = false;
  for (;;) {
    while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
    if (text.empty()) return any;
    Number number;
    if (!take_number(text, number)) return false;
    any = true;
    if (!text.empty() && text[0] == ':') {
      if (!add_clock(parts, number, text)) return false;
    } else {
      while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
      size_t n = 0;
      while (n < text.size() && is_alpha(text[n])) ++n;
      if (n == 0 || !add_named(parts, number, text.substr(0, n))) return false;
      text.remove_prefix(n);
    }
    if (!text.empty() && text[0] != ' ') return false;
  }
}

bool parse_iso(std::string_view text, Parts& parts) noexcept {
  bool clock = false, any = false;
  while (!text.empty()) {
    if (text[0] == 'T' || text[0] == 't') {
      if (clock) return false;
      clock = true;
      text.remove_prefix(1);
      if (text.empty()) return false;
      continue;
    }
    Number number;
    if (!take_number(text, number) || text.empty()) return false;
    const char unit = static_cast<char>(text[0] & ~32);
    text.remove_prefix(1);
    any = true;
    bool good = false;
    if (clock) {
      const int64_t factor = unit == 'H'   ? kHour
                             : unit == 'M' ? kMinute
                             : unit == 'S' ? kSecond
                                           : 0;
      good = factor != 0 && add(parts, number, Unit::kMicros, factor);
    } else if (unit == 'Y' || unit == 'M') {
      good = add(parts, number, Unit::kMonths, unit == 'Y' ? 12 : 1);
    } else if (unit == 'W' || unit == 'D') {
      good = add(parts, number, Unit::kDays, unit == 'W' ? 7 : 1);
    }
    if (!good) return false;
  }
  return any;
}

char* put(char* out, std::string_view text) noexcept {
  for (const char c : text) *out++ = c;
  return out;
}

char* put_count(char* out, const char* start, int64_t count, std::string_view unit) noexcept {
  if (count == 0) return out;
  if (out != start) *out++ = ' ';
  out = std::to_chars(out, out + 12, count).ptr;
  *out++ = ' ';
  out = put(out, unit);
  if (count != 1) *out++ = 's';
  return out;
}

}  // namespace

bool parse_interval(std::string_view text, unsigned char* out16) noexcept {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  Parts parts;
  if (!text.empty() && (text[0] == 'P' || text[0] == 'p')) {
    if (!parse_iso(text.substr(1), parts)) return false;
  } else if (!parse_verbose(text, parts)) {
    return false;
  }
  if (parts.days != static_cast<int32_t>(parts.days) ||
      parts.months != static_cast<int32_t>(parts.months))
    return false;
  store_be(out16, parts.micros);
  store_be(out16 + 8, static_cast<int32_t>(parts.days));
  store_be(out16 + 12, static_cast<int32_t>(parts.months));
  return true;
}

size_t interval_chars(const unsigned char* bytes16, char* out) noexcept {
  const auto micros = load_be<int64_t>(bytes16);
  const auto days = load_be<int32_t>(bytes16 + 8), months = load_be<int32_t>(bytes16 + 12);
  char* at = out;
  at = put_count(at, out, months / 12, "year");
  at = put_count(at, out, months % 12, "mon");
  at = put_count(at, out, days, "day");
  if (micros != 0 || at == out) {
    if (at != out) *at++ = ' ';
    if (micros < 0) {
      *at++ = '-';
    } else if (micros > 0 && (days < 0 || months < 0)) {
      *at++ = '+';  // PostgreSQL's own way to say that the sign does not carry over
    }
    // INT64_MIN has no positive twin; its microseconds are one short of it.
    const int64_t magnitude = micros == INT64_MIN ? INT64_MAX : micros < 0 ? -micros : micros;
    at += time_chars(magnitude, at);
  }
  return static_cast<size_t>(at - out);
}

std::string interval_text(const unsigned char* bytes16) {
  char text[kTimeChars];
  return {text, interval_chars(bytes16, text)};
}

}  // namespace lugger
