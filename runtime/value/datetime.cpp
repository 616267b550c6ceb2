#include "value/datetime.hpp"

#include <algorithm>
#include <cmath>

#include "base/ascii.hpp"
namespace lugger {

namespace {

constexpr int64_t kPgEpochUnixDays = 10957;

int64_t floor_div(int64_t a, int64_t b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }
int64_t floor_rest(int64_t a, int64_t b) noexcept { return a % b < 0 ? a % b + b : a % b; }

/// Reads text from the front; every take_ leaves it where it was when it fails.
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : text_(text) {}
  bool done() const noexcept { return text_.empty(); }
  bool take(char c) noexcept {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool take_word(std::string_view lower) noexcept {
    if (text_.size() < lower.size() || !is_word(text_.substr(0, lower.size()), lower)) return false;
    text_.remove_prefix(lower.size());
    return true;
  }
  void skip_spaces() noexcept {
    while (!text_.empty() && text_[0] == ' ') text_.remove_prefix(1);
  }
  size_t digits_ahead() const noexcept {
    size_t n = 0;
    while (n < text_.size() && is_digit(text_[n])) ++n;
    return n;
  }
  /// Exactly n digits.
  bool take_number(size_t n, int64_t& out) noexcept {
    if (digits_ahead() < n) return false;
    out = 0;
    for (size_t i = 0; i < n; ++i) out = out * 10 + (text_[i] - '0');
    text_.remove_prefix(n);
    return true;
  }

 private:
  std::string_view text_;
};

/// ".123456": microseconds. Digits beyond are rounded as PostgreSQL rounds them, by way of a
/// double.
bool take_fraction(Scanner& in, int64_t& micros, Finer& finer) noexcept {
  constexpr int64_t kScales[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
  micros = 0;
  finer = Finer::kNone;
  if (!in.take('.')) return true;
  const size_t n = in.digits_ahead();
  int64_t digits = 0, rest = 0;
  if (n == 0 || n > 12 || !in.take_number(std::min<size_t>(n, 6), digits) ||
      (n > 6 && !in.take_number(n - 6, rest)))
    return false;
  micros = n < 6 ? digits * kScales[6 - n] : digits;
  if (rest == 0) return true;
  const int64_t scale = kScales[n - 6];
  const double whole =
      static_cast<double>(digits * scale + rest) / (1e6 * static_cast<double>(scale));
  finer = static_cast<int64_t>(std::rint(whole * 1e6)) > micros ? Finer::kUp : Finer::kDown;
  return true;
}

/// "09:30[:15[.5]]".
bool take_time(Scanner& in, int64_t& micros, Finer& finer) noexcept {
  int64_t hour = 0, minute = 0, second = 0, fraction = 0;
  finer = Finer::kNone;
  if (!in.take_number(2, hour) || !in.take(':') || !in.take_number(2, minute)) return false;
  if (in.take(':') && (!in.take_number(2, second) || !take_fraction(in, fraction, finer)))
    return false;
  if (hour > 24 || minute > 59 || second > 60) return false;
  micros = ((hour * 60 + minute) * 60 + second) * 1000000 + fraction;
  return micros <= kMicrosPerDay;
}

/// "Z", " UTC", "+02", "+0200", "+02:00", "+02:00:00" or nothing; offset in microseconds.
bool take_zone(Scanner& in, int64_t& offset) noexcept {
  offset = 0;
  in.skip_spaces();
  if (in.take_word("z") || in.take_word("utc") || in.take_word("gmt")) return true;
  const bool minus = in.take('-');
  if (!minus && !in.take('+')) return true;
  int64_t hour = 0, minute = 0, second = 0;
  if (!in.take_number(2, hour)) return false;
  if (in.take(':')) {
    if (!in.take_number(2, minute)) return false;
    if (in.take(':') && !in.take_number(2, second)) return false;
  } else if (in.digits_ahead() >= 2 && !in.take_number(2, minute)) {
    return false;
  }
  if (hour > 15 || minute > 59 || second > 59) return false;
  offset = ((hour * 60 + minute) * 60 + second) * 1000000;
  if (minus) offset = -offset;
  return true;
}

struct Moment {
  int64_t unix_days = 0, micros = 0;  // micros may lie outside the day once the zone is taken off
  Finer finer = Finer::kNone;
};

bool parse_moment(std::string_view text, Moment& out) noexcept {
  Scanner in(text);
  const bool minus = in.take('-');
  const bool sign = minus || in.take('+');
  const size_t width = in.digits_ahead();
  int64_t year = 0, month = 0, day = 0;
  if (width < 4 || width > 7 || !in.take_number(width, year)) return false;
  if (!in.take('-') || !in.take_number(2, month) || !in.take('-') || !in.take_number(2, day))
    return false;
  if (in.take('T') || in.take('t') || in.take(' ')) {
    in.skip_spaces();
    int64_t offset = 0;
    if (in.digits_ahead() > 0 && !take_time(in, out.micros, out.finer)) return false;
    if (!take_zone(in, offset)) return false;
    out.micros -= offset;
  }
  in.skip_spaces();
  if (in.take_word("bc")) {
    if (sign || year == 0) return false;
    year = 1 - year;
  }
  if (minus) year = -year;
  if (!in.done() || month < 1 || month > 12 || day < 1 ||
      day > days_in_month(year, static_cast<int>(month)))
    return false;
  out.unix_days = days_from_civil(year, static_cast<int>(month), static_cast<int>(day));
  return true;
}

std::optional<int64_t> in_range(int64_t micros) noexcept {
  if (micros < kMinMicros || micros >= kEndMicros) return std::nullopt;
  return micros;
}

std::optional<int64_t> special(std::string_view text, int64_t infinity, int64_t minus_infinity,
                               int64_t epoch) noexcept {
  if (is_word(text, "infinity") || is_word(text, "+infinity")) return infinity;
  if (is_word(text, "-infinity")) return minus_infinity;
  if (is_word(text, "epoch")) return epoch;
  return std::nullopt;
}

char* put_number(char* out, int64_t value, int width) noexcept {
  char text[24];
  int n = 0;
  for (; value != 0 || n == 0; value /= 10) text[n++] = static_cast<char>('0' + value % 10);
  for (int i = n; i < width; ++i) *out++ = '0';
  while (n > 0) *out++ = text[--n];
  return out;
}

char* put_text(char* out, std::string_view text) noexcept {
  return std::copy(text.begin(), text.end(), out);
}

char* put_date(char* out, int64_t unix_days) noexcept {
  const CivilDay civil = civil_from_days(unix_days);
  if (civil.year < 0) *out++ = '-';
  if (civil.year > 9999) *out++ = '+';
  out = put_number(out, civil.year < 0 ? -civil.year : civil.year, 4);
  *out++ = '-';
  out = put_number(out, civil.month, 2);
  *out++ = '-';
  return put_number(out, civil.day, 2);
}

/// No fraction when zero, three digits when they are enough, else six.
char* put_time(char* out, int64_t micros) noexcept {
  const int64_t seconds = micros / 1000000, fraction = micros % 1000000;
  out = put_number(out, seconds / 3600, 2);
  *out++ = ':';
  out = put_number(out, seconds / 60 % 60, 2);
  *out++ = ':';
  out = put_number(out, seconds % 60, 2);
  if (fraction == 0) return out;
  *out++ = '.';
  return fraction % 1000 == 0 ? put_number(out, fraction / 1000, 3) : put_number(out, fraction, 6);
}

}  // namespace

int64_t days_from_civil(int64_t year, int month, int day) noexcept {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = floor_div(year, 400);
  const int64_t of_era = year - era * 400;
  const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

CivilDay civil_from_days(int64_t unix_days) noexcept {
  const int64_t days = unix_days + 719468;
  const int64_t era = floor_div(days, 146097);
  const int64_t of_era = days - era * 146097;
  const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  const int64_t shifted = (5 * of_year + 2) / 153;
  const int month = static_cast<int>(shifted < 10 ? shifted + 3 : shifted - 9);
  return {year + era * 400 + (month <= 2 ? 1 : 0), month,
          static_cast<int>(of_year - (153 * shifted + 2) / 5 + 1)};
}

int days_in_month(int64_t year, int month) noexcept {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

std::optional<int64_t> micros_from_unix_us(int64_t us) noexcept {
  int64_t micros = 0;
  if (__builtin_sub_overflow(us, kPgEpochUnixMicros, &micros)) return std::nullopt;
  return in_range(micros);
}

std::optional<int64_t> micros_from_unix_ms(int64_t ms) noexcept {
  // From 1970 the last years would not fit into 64 bits: the epoch is moved first.
  int64_t micros = 0;
  if (__builtin_sub_overflow(ms, kPgEpochUnixMicros / 1000, &ms) ||
      __builtin_mul_overflow(ms, int64_t{1000}, &micros))
    return std::nullopt;
  return in_range(micros);
}

std::optional<int64_t> unix_ms_from_micros(int64_t micros) noexcept {
  if (micros == kInfinityMicros || micros == kMinusInfinityMicros) return std::nullopt;
  return floor_div(micros, 1000) + kPgEpochUnixMicros / 1000;
}

std::optional<int64_t> parse_timestamp(std::string_view text, Finer* finer) noexcept {
  text = trimmed(text);
  if (finer != nullptr) *finer = Finer::kNone;
  Moment moment;
  if (!parse_moment(text, moment))
    return special(text, kInfinityMicros, kMinusInfinityMicros, -kPgEpochUnixMicros);
  if (finer != nullptr) *finer = moment.finer;
  int64_t micros = 0;
  if (__builtin_mul_overflow(moment.unix_days - kPgEpochUnixDays, kMicrosPerDay, &micros) ||
      __builtin_add_overflow(micros, moment.micros, &micros))
    return std::nullopt;
  return in_range(micros);
}

std::optional<int64_t> parse_day(std::string_view text) noexcept {
  text = trimmed(text);
  Moment moment;
  if (!parse_moment(text, moment)) return special(text, INT32_MAX, INT32_MIN, -kPgEpochUnixDays);
  if (moment.micros % kMicrosPerDay != 0 || moment.finer != Finer::kNone) return std::nullopt;
  const int64_t days = moment.unix_days - kPgEpochUnixDays + moment.micros / kMicrosPerDay;
  if (days < kMinDay || days > kMaxDay) return std::nullopt;
  return days;
}

std::optional<int64_t> parse_time(std::string_view text, Finer* finer) noexcept {
  Scanner in(trimmed(text));
  int64_t micros = 0;
  Finer found = Finer::kNone;
  if (!take_time(in, micros, found) || !in.done()) return std::nullopt;
  if (finer != nullptr) *finer = found;
  return micros;
}

size_t timestamp_chars(int64_t micros, char* out) noexcept {
  char* at = out;
  if (micros == kInfinityMicros) {
    at = put_text(at, "infinity");
  } else if (micros == kMinusInfinityMicros) {
    at = put_text(at, "-infinity");
  } else {
    const int64_t days = floor_div(micros, kMicrosPerDay);
    at = put_date(at, days + kPgEpochUnixDays);
    *at++ = 'T';
    at = put_time(at, floor_rest(micros, kMicrosPerDay));
    *at++ = 'Z';
  }
  return static_cast<size_t>(at - out);
}

size_t day_chars(int64_t days, char* out) noexcept {
  char* at = out;
  if (days == INT32_MAX) {
    at = put_text(at, "infinity");
  } else if (days == INT32_MIN) {
    at = put_text(at, "-infinity");
  } else {
    at = put_date(at, days + kPgEpochUnixDays);
  }
  return static_cast<size_t>(at - out);
}

size_t time_chars(int64_t micros, char* out) noexcept {
  return static_cast<size_t>(put_time(out, micros) - out);
}

size_t iso_chars(int64_t unix_ms, char* out) noexcept {
  constexpr int64_t kMsPerDay = kMicrosPerDay / 1000;
  const int64_t days = floor_div(unix_ms, kMsPerDay);
  char* at = put_date(out, days);
  *at++ = 'T';
  at = put_time(at, floor_rest(unix_ms, kMsPerDay) * 1000);
  *at++ = 'Z';
  return static_cast<size_t>(at - out);
}

std::string timestamp_text(int64_t micros) {
  char text[kTimeChars];
  return {text, timestamp_chars(micros, text)};
}
std::string day_text(int64_t days) {
  char text[kTimeChars];
  return {text, day_chars(days, text)};
}
std::string time_text(int64_t micros) {
  char text[kTimeChars];
  return {text, time_chars(micros, text)};
}
std::string iso_from_unix_ms(int64_t ms) {
  char text[kTimeChars];
  return {text, iso_chars(ms, text)};
}

}  // namespace lugger
