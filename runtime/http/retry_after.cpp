#include "http/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace lugger {
namespace {

constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

template <typename Number>
bool take(std::string_view text, size_t at, size_t size, Number& out) noexcept {
  const char* from = text.data() + at;
  const auto [end, error] = std::from_chars(from, from + size, out);
  return error == std::errc() && end == from + size;
}

/// "Wed, 21 Oct 2026 07:28:00 GMT" as Unix seconds.
std::optional<int64_t> http_date(std::string_view text) noexcept {
  constexpr size_t kSize = 29;
  if (text.size() != kSize || !text.ends_with(" GMT")) return std::nullopt;
  const size_t month = kMonths.find(text.substr(8, 3));
  int year = 0;
  unsigned day = 0;
  int64_t hour = 0, minute = 0, second = 0;
  const bool numbers = take(text, 5, 2, day) && take(text, 12, 4, year) &&
                       take(text, 17, 2, hour) && take(text, 20, 2, minute) &&
                       take(text, 23, 2, second);
  if (!numbers || month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 86400 + hour * 3600 + minute * 60 + second;
}

}  // namespace

std::optional<double> retry_after(std::string_view value, int64_t now) noexcept {
  while (!value.empty() && value.back() <= ' ') value.remove_suffix(1);
  while (!value.empty() && value.front() <= ' ') value.remove_prefix(1);
  uint32_t seconds = 0;
  if (!value.empty() && take(value, 0, value.size(), seconds)) return seconds;
  if (const std::optional<int64_t> date = http_date(value))
    return static_cast<double>(std::max<int64_t>(*date - now, 0));
  return std::nullopt;
}

}  // namespace lugger
