// PostgreSQL intervals: months, days and microseconds kept apart.
#include <array>
#include <charconv>
#include <cmath>

#include "base/ascii.hpp"
#include "base/bytes.hpp"
#include "value/datetime.hpp"

namespace lugger {

namespace {

struct Parts {
  int64_t micros = 0;
  int32_t days = 0, months = 0;
};

constexpr int64_t kSecond = 1000000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
constexpr int kDaysPerMonth = 30;

/// A number of units: the integer and the fractional part, with the same sign.
struct Number {
  int64_t whole = 0;
  double fraction = 0;
};

// Adds as PostgreSQL does. Fractions of a unit are passed to the next smaller one: of years to
// whole months, of months and weeks to days, of these to microseconds, rounded to the nearest.
// False: the result does not fit.

bool add_micros(Parts& parts, const Number& number, int64_t scale) noexcept {
  int64_t whole = 0;
  double rest = number.fraction * static_cast<double>(scale);
  auto more = static_cast<int64_t>(rest);
  rest -= static_cast<double>(more);
  if (rest > 0.5) ++more;
  if (rest < -0.5) --more;
  return !__builtin_mul_overflow(number.whole, scale, &whole) &&
         !__builtin_add_overflow(parts.micros, whole, &parts.micros) &&
         !__builtin_add_overflow(parts.micros, more, &parts.micros);
}

bool add_to(int32_t& part, int64_t count, int32_t scale) noexcept {
  int32_t product = 0;
  return !__builtin_mul_overflow(count, scale, &product) &&
         !__builtin_add_overflow(part, product, &part);
}

bool add_fraction_of_days(Parts& parts, double fraction, int scale) noexcept {
  const double days = fraction * scale;
  const auto whole = static_cast<int32_t>(days);
  return add_to(parts.days, whole, 1) && add_micros(parts, {0, days - whole}, kMicrosPerDay);
}

bool add_days(Parts& parts, const Number& number, int32_t scale) noexcept {
  return add_to(parts.days, number.whole, scale) &&
         (scale == 1 ? add_micros(parts, {0, number.fraction}, kMicrosPerDay)
                     : add_fraction_of_days(parts, number.fraction, scale));
}

bool add_months(Parts& parts, const Number& number) noexcept {
  return add_to(parts.months, number.whole, 1) &&
         add_fraction_of_days(parts, number.fraction, kDaysPerMonth);
}

bool add_years(Parts& parts, const Number& number, int32_t scale) noexcept {
  const double months = std::rint(number.fraction * scale * 12);
  int64_t whole = 0;
  return !__builtin_mul_overflow(number.whole, scale, &whole) && add_to(parts.months, whole, 12) &&
         add_to(parts.months, static_cast<int64_t>(months), 1);
}

enum class Unit : uint8_t { kMicros, kDays, kMonths, kYears };
struct UnitName {
  std::string_view name;
  Unit unit;
  int64_t factor;
  uint16_t field;  // a field is given once; a week and a day are two
};
constexpr uint16_t kSecondField = 1, kMinuteField = 2, kHourField = 4, kDayField = 8,
                   kWeekField = 16, kMonthField = 32, kYearField = 64, kDecadeField = 128,
                   kCenturyField = 256, kMillenniumField = 512, kMilliField = 1024,
                   kMicroField = 2048;
constexpr std::array kUnits = {
    UnitName{"s", Unit::kMicros, kSecond, kSecondField},
    UnitName{"sec", Unit::kMicros, kSecond, kSecondField},
    UnitName{"secs", Unit::kMicros, kSecond, kSecondField},
    UnitName{"second", Unit::kMicros, kSecond, kSecondField},
    UnitName{"seconds", Unit::kMicros, kSecond, kSecondField},
    UnitName{"m", Unit::kMicros, kMinute, kMinuteField},
    UnitName{"min", Unit::kMicros, kMinute, kMinuteField},
    UnitName{"mins", Unit::kMicros, kMinute, kMinuteField},
    UnitName{"minute", Unit::kMicros, kMinute, kMinuteField},
    UnitName{"minutes", Unit::kMicros, kMinute, kMinuteField},
    UnitName{"h", Unit::kMicros, kHour, kHourField},
    UnitName{"hr", Unit::kMicros, kHour, kHourField},
    UnitName{"hrs", Unit::kMicros, kHour, kHourField},
    UnitName{"hour", Unit::kMicros, kHour, kHourField},
    UnitName{"hours", Unit::kMicros, kHour, kHourField},
    UnitName{"d", Unit::kDays, 1, kDayField},
    UnitName{"day", Unit::kDays, 1, kDayField},
    UnitName{"days", Unit::kDays, 1, kDayField},
    UnitName{"w", Unit::kDays, 7, kWeekField},
    UnitName{"week", Unit::kDays, 7, kWeekField},
    UnitName{"weeks", Unit::kDays, 7, kWeekField},
    UnitName{"mon", Unit::kMonths, 1, kMonthField},
    UnitName{"mons", Unit::kMonths, 1, kMonthField},
    UnitName{"month", Unit::kMonths, 1, kMonthField},
    UnitName{"months", Unit::kMonths, 1, kMonthField},
    UnitName{"y", Unit::kYears, 1, kYearField},
    UnitName{"yr", Unit::kYears, 1, kYearField},
    UnitName{"yrs", Unit::kYears, 1, kYearField},
    UnitName{"year", Unit::kYears, 1, kYearField},
    UnitName{"years", Unit::kYears, 1, kYearField},
    UnitName{"decade", Unit::kYears, 10, kDecadeField},
    UnitName{"decades", Unit::kYears, 10, kDecadeField},
    UnitName{"century", Unit::kYears, 100, kCenturyField},
    UnitName{"centuries", Unit::kYears, 100, kCenturyField},
    UnitName{"millennium", Unit::kYears, 1000, kMillenniumField},
    UnitName{"millennia", Unit::kYears, 1000, kMillenniumField},
    UnitName{"ms", Unit::kMicros, 1000, kMilliField},
    UnitName{"msec", Unit::kMicros, 1000, kMilliField},
    UnitName{"msecs", Unit::kMicros, 1000, kMilliField},
    UnitName{"millisecond", Unit::kMicros, 1000, kMilliField},
    UnitName{"milliseconds", Unit::kMicros, 1000, kMilliField},
    UnitName{"us", Unit::kMicros, 1, kMicroField},
    UnitName{"usec", Unit::kMicros, 1, kMicroField},
    UnitName{"usecs", Unit::kMicros, 1, kMicroField},
    UnitName{"microsecond", Unit::kMicros, 1, kMicroField},
    UnitName{"microseconds", Unit::kMicros, 1, kMicroField},
};

bool is_alpha(char c) noexcept { return (c | 32) >= 'a' && (c | 32) <= 'z'; }

size_t digits_ahead(std::string_view text) noexcept {
  size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  return n;
}

template <typename T>
bool take(std::string_view& text, T& out) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

/// ".25"; "." reads as 0, but not in front of a unit.
bool take_fraction(std::string_view& text, double& out) noexcept {
  out = 0;
  const size_t n = digits_ahead(text.substr(1));
  std::string_view part = text.substr(0, n + 1);
  text.remove_prefix(n + 1);
  return n == 0 ? text.empty() || !is_alpha(text[0]) : take(part, out);
}

/// A number with its sign; `negative` also of "-0".
bool take_number(std::string_view& text, Number& out, bool& negative) noexcept {
  out = {};
  negative = text[0] == '-';
  const bool sign = negative || text[0] == '+';
  if (sign) text.remove_prefix(1);
  const bool digits = digits_ahead(text) > 0;
  if (digits && !take(text, out.whole)) return false;
  const bool point = !text.empty() && text[0] == '.' && (digits || !sign);
  if (point && !take_fraction(text, out.fraction)) return false;
  if (negative) out = {-out.whole, -out.fraction};
  return digits || out.fraction != 0;
}

bool add_named(Parts& parts, const Number& number, std::string_view word,
               unsigned& given) noexcept {
  char lower[16];
  if (word.size() > sizeof lower) return false;
  for (size_t i = 0; i < word.size(); ++i) lower[i] = static_cast<char>(word[i] | 32);
  const std::string_view name(lower, word.size());
  for (const UnitName& unit : kUnits) {
    if (unit.name != name) continue;
    unsigned fields = unit.field;
    if (unit.field == kSecondField && number.fraction != 0) fields |= kMilliField | kMicroField;
    if ((given & fields) != 0) return false;
    given |= fields;
    switch (unit.unit) {
      case Unit::kMicros: return add_micros(parts, number, unit.factor);
      case Unit::kDays: return add_days(parts, number, static_cast<int32_t>(unit.factor));
      case Unit::kMonths: return add_months(parts, number);
      case Unit::kYears: return add_years(parts, number, static_cast<int32_t>(unit.factor));
    }
  }
  return false;
}

/// The rest of "02:03[:04.5]" after its first number.
bool add_clock(Parts& parts, const Number& hours, bool negative, std::string_view& text,
               unsigned& given) noexcept {
  constexpr unsigned kFields = kHourField | kMinuteField | kSecondField | kMilliField | kMicroField;
  if (hours.fraction != 0 || (given & kFields) != 0) return false;
  given |= kFields;
  int minutes = 0, seconds = 0;
  double fraction = 0;
  text.remove_prefix(1);
  if (digits_ahead(text) == 0 || !take(text, minutes) || minutes > 59) return false;
  if (!text.empty() && text[0] == ':') {
    text.remove_prefix(1);
    if (digits_ahead(text) == 0 || !take(text, seconds) || seconds > 60) return false;
    if (!text.empty() && text[0] == '.' && !take_fraction(text, fraction)) return false;
  }
  const int64_t rest = minutes * kMinute + seconds * kSecond +
                       static_cast<int64_t>(std::rint(fraction * static_cast<double>(kSecond)));
  return add_micros(parts, hours, kHour) &&
         !__builtin_add_overflow(parts.micros, negative ? -rest : rest, &parts.micros);
}

void skip_spaces(std::string_view& text) noexcept {
  while (!text.empty() && is_space(text[0])) text.remove_prefix(1);
}

bool parse_verbose(std::string_view text, Parts& parts) noexcept {
  unsigned given = 0;
  for (;;) {
    skip_spaces(text);
    if (text.empty()) return given != 0;
    Number number;
    bool negative = false;
    if (!take_number(text, number, negative)) return false;
    if (!text.empty() && text[0] == ':') {
      if (!add_clock(parts, number, negative, text, given)) return false;
    } else {
      skip_spaces(text);
      size_t n = 0;
      while (n < text.size() && is_alpha(text[n])) ++n;
      if (n == 0 || !add_named(parts, number, text.substr(0, n), given)) return false;
      text.remove_prefix(n);
    }
    if (!text.empty() && !is_space(text[0])) return false;
  }
}

/// A number of ISO 8601, read as a double as PostgreSQL does.
bool take_iso_number(std::string_view& text, Number& out) noexcept {
  constexpr double kMost = 1e15;
  double value = 0;
  const bool begins = is_digit(text[0]) || text[0] == '-' || text[0] == '.';
  if (!begins || !take(text, value) || !(value >= -kMost && value <= kMost)) return false;
  out.whole = static_cast<int64_t>(value);
  out.fraction = value - static_cast<double>(out.whole);
  return true;
}

bool add_iso(Parts& parts, const Number& number, char unit, bool clock) noexcept {
  if (clock) {
    const int64_t factor = unit == 'H' ? kHour : unit == 'M' ? kMinute : unit == 'S' ? kSecond : 0;
    return factor != 0 && add_micros(parts, number, factor);
  }
  switch (unit) {
    case 'Y': return add_years(parts, number, 1);
    case 'M': return add_months(parts, number);
    case 'W': return add_days(parts, number, 7);
    case 'D': return add_days(parts, number, 1);
    default: return false;
  }
}

bool parse_iso(std::string_view text, Parts& parts) noexcept {
  bool clock = false, any = false;
  while (!text.empty()) {
    if (text[0] == 'T') {
      if (clock) return false;
      clock = true;
      text.remove_prefix(1);
      if (text.empty()) return false;
      continue;
    }
    Number number;
    if (!take_iso_number(text, number) || text.empty() || !add_iso(parts, number, text[0], clock))
      return false;
    text.remove_prefix(1);
    any = true;
  }
  return any;
}

char* put(char* out, std::string_view text) noexcept {
  for (const char c : text) *out++ = c;
  return out;
}

/// A plus says that the minus of the part before does not apply to this one.
char* put_count(char* out, const char* start, int64_t count, std::string_view unit,
                bool& after_minus) noexcept {
  if (count == 0) return out;
  if (out != start) *out++ = ' ';
  if (after_minus && count > 0) *out++ = '+';
  after_minus = count < 0;
  out = std::to_chars(out, out + 12, count).ptr;
  *out++ = ' ';
  out = put(out, unit);
  if (count != 1) *out++ = 's';
  return out;
}

/// "02:30:00.5", without the sign.
char* put_clock(char* out, int64_t micros) noexcept {
  // INT64_MIN has no positive counterpart of its own type.
  const uint64_t all =
      micros < 0 ? 0 - static_cast<uint64_t>(micros) : static_cast<uint64_t>(micros);
  const auto two = [&](uint64_t number) {
    if (number < 10) *out++ = '0';
    out = std::to_chars(out, out + 12, number).ptr;
  };
  two(all / kHour);
  *out++ = ':';
  two(all / kMinute % 60);
  *out++ = ':';
  two(all / kSecond % 60);
  uint64_t fraction = all % kSecond;
  if (fraction == 0) return out;
  *out++ = '.';
  for (uint64_t unit = kSecond / 10; fraction != 0; unit /= 10) {
    *out++ = static_cast<char>('0' + fraction / unit);
    fraction %= unit;
  }
  return out;
}

}  // namespace

bool parse_interval(std::string_view text, unsigned char* out16) noexcept {
  skip_spaces(text);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  Parts parts;
  if (!text.empty() && text[0] == 'P') {
    if (!parse_iso(text.substr(1), parts)) return false;
  } else if (!parse_verbose(text, parts)) {
    return false;
  }
  store_be(out16, parts.micros);
  store_be(out16 + 8, parts.days);
  store_be(out16 + 12, parts.months);
  return true;
}

size_t interval_chars(const unsigned char* bytes16, char* out) noexcept {
  const auto micros = load_be<int64_t>(bytes16);
  const auto days = load_be<int32_t>(bytes16 + 8), months = load_be<int32_t>(bytes16 + 12);
  bool after_minus = false;
  char* at = out;
  at = put_count(at, out, months / 12, "year", after_minus);
  at = put_count(at, out, months % 12, "mon", after_minus);
  at = put_count(at, out, days, "day", after_minus);
  if (micros != 0 || at == out) {
    if (at != out) *at++ = ' ';
    if (micros < 0) {
      *at++ = '-';
    } else if (after_minus) {
      *at++ = '+';
    }
    at = put_clock(at, micros);
  }
  return static_cast<size_t>(at - out);
}

std::string interval_text(const unsigned char* bytes16) {
  char text[kTimeChars];
  return {text, interval_chars(bytes16, text)};
}

}  // namespace lugger
