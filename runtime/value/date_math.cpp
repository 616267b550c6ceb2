#include "value/date_math.hpp"

#include <algorithm>

#include "base/zone.hpp"
#include "value/datetime.hpp"

namespace lugger {

namespace {

constexpr int64_t kMsPerDay = kMicrosPerDay / 1000, kMsPerHour = 3600000, kMsPerMinute = 60000;
/// The year 291 million: far from where sums of milliseconds overflow.
constexpr int64_t kFarthestMs = 9200000000000000000;

int64_t floor_div(int64_t a, int64_t b) noexcept { return a / b - (a % b < 0 ? 1 : 0); }
int64_t floor_rest(int64_t a, int64_t b) noexcept { return a - floor_div(a, b) * b; }

/// Days since 1970 and the milliseconds of the day, of local time.
struct Local {
  int64_t days, ms;
};

Local local_of(const Date& date) noexcept {
  const int64_t ms = date.ms + int64_t{date_offset(date)} * 1000;
  return {floor_div(ms, kMsPerDay), floor_rest(ms, kMsPerDay)};
}

std::optional<Date> in_range(const Date& date) noexcept {
  if (date.ms < -kFarthestMs || date.ms > kFarthestMs) return std::nullopt;
  return date;
}

int64_t days_plus_months(int64_t days, int64_t months) noexcept {
  const CivilDay from = civil_from_days(days);
  const int64_t total = from.year * 12 + from.month - 1 + months;
  const int64_t year = floor_div(total, 12);
  const int month = static_cast<int>(floor_rest(total, 12)) + 1;
  return days_from_civil(year, month, std::min(from.day, days_in_month(year, month)));
}

int64_t ms_of(DateUnit unit) noexcept {
  if (unit == DateUnit::kHour) return kMsPerHour;
  return unit == DateUnit::kMinute ? kMsPerMinute : 1000;
}

int64_t first_day(int64_t days, DateUnit unit) noexcept {
  const CivilDay day = civil_from_days(days);
  switch (unit) {
    case DateUnit::kYear: return days_from_civil(day.year, 1, 1);
    case DateUnit::kQuarter: return days_from_civil(day.year, day.month - (day.month - 1) % 3, 1);
    case DateUnit::kMonth: return days_from_civil(day.year, day.month, 1);
    case DateUnit::kWeek: return days - floor_rest(days + 3, 7);  // Monday
    default: return days;
  }
}

}  // namespace

int32_t date_offset(const Date& date) noexcept {
  return date.in_zone() ? zone_offset(date.place, floor_div(date.ms, 1000)) : 0;
}

int32_t date_field(const Date& date, DateField field) noexcept {
  const Local local = local_of(date);
  const auto narrow = [](int64_t number) { return static_cast<int32_t>(number); };
  switch (field) {
    case DateField::kYear: return narrow(civil_from_days(local.days).year);
    case DateField::kMonth: return civil_from_days(local.days).month;
    case DateField::kDay: return civil_from_days(local.days).day;
    case DateField::kHour: return narrow(local.ms / kMsPerHour);
    case DateField::kMinute: return narrow(local.ms / kMsPerMinute % 60);
    case DateField::kSecond: return narrow(local.ms / 1000 % 60);
    case DateField::kMicrosecond: return narrow(local.ms % 1000) * 1000 + date.us;
    case DateField::kWeekday: return narrow(floor_rest(local.days + 3, 7)) + 1;
    case DateField::kYearday:
      return narrow(local.days - days_from_civil(civil_from_days(local.days).year, 1, 1)) + 1;
    case DateField::kOffset: break;
  }
  return date_offset(date);
}

std::optional<Date> date_from_local(int64_t days, int64_t ms, int32_t us, int32_t place) noexcept {
  int64_t at = 0;
  if (__builtin_mul_overflow(days, kMsPerDay, &at) || __builtin_add_overflow(at, ms, &at))
    return std::nullopt;
  Date date{at, us, place};
  if (date.in_zone())
    date.ms = zone_instant(place, floor_div(at, 1000)) * 1000 + floor_rest(at, 1000);
  return in_range(date);
}

std::optional<Date> date_plus(const Date& date, const Interval& interval) noexcept {
  std::optional<Date> out = date;
  if (interval.months != 0) {
    const Local local = local_of(*out);
    const int64_t days = days_plus_months(local.days, interval.months);
    out = date_from_local(days, local.ms, out->us, out->place);
  }
  if (out && interval.days != 0) {
    const Local local = local_of(*out);
    out = date_from_local(local.days + interval.days, local.ms, out->us, out->place);
  }
  if (!out || interval.micros == 0) return out;
  const int64_t us = floor_rest(interval.micros, 1000) + out->us;
  out->ms += floor_div(interval.micros, 1000) + us / 1000;
  out->us = static_cast<int32_t>(us % 1000);
  if (out->place == Date::kDay) out->place = Date::kUtc;
  return in_range(*out);
}

std::optional<Date> date_trunc(const Date& date, DateUnit unit) noexcept {
  const Local local = local_of(date);
  if (unit > DateUnit::kDay)  // of an hour that clocks show twice, in the same one
    return Date{date.ms - local.ms % ms_of(unit), 0, date.place};
  return date_from_local(first_day(local.days, unit), 0, 0, date.place);
}

int compare_dates(const Date& a, const Date& b) noexcept {
  if (a.ms != b.ms) return a.ms < b.ms ? -1 : 1;
  return a.us < b.us ? -1 : a.us > b.us ? 1 : 0;
}

}  // namespace lugger
