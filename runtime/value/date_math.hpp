// Dates of scripts: instants with microseconds, in UTC or seen from a time zone, and calendar days.
#pragma once
#include <cstdint>
#include <optional>

#include "value/interval.hpp"

namespace lugger {

/// Bit-equal to lug_date in bindings/abi.h. An infinite one has no fields, and is not moved or cut:
/// the caller asks first.
struct Date {
  static constexpr int32_t kUtc = 0, kDay = 1;  // other places are numbers of zones

  int64_t ms = 0;  // Unix
  int32_t us = 0;  // 0..999
  int32_t place = kUtc;

  bool endless() const noexcept { return ms == INT64_MAX || ms == INT64_MIN; }
  bool in_zone() const noexcept { return place > kDay; }
};

/// Seconds east of UTC.
int32_t date_offset(const Date& date) noexcept;

/// Of local time; numbered as in stdlib/inner/base/date.lua.
enum class DateField : uint8_t {
  kYear,
  kMonth,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMicrosecond,
  kWeekday,  // 1 is Monday
  kYearday,  // from 1
  kOffset,
};
int32_t date_field(const Date& date, DateField field) noexcept;

/// A date from its local time: days since 1970, milliseconds of the day. nullopt: out of range.
std::optional<Date> date_from_local(int64_t days, int64_t ms, int32_t us, int32_t place) noexcept;

/// As PostgreSQL adds an interval: months first, at most to the end of the month, then days, then
/// time. Months and days move the local time, time the instant; then a day is an instant in UTC.
std::optional<Date> date_plus(const Date& date, const Interval& interval) noexcept;

/// Numbered as in stdlib/inner/base/date.lua.
enum class DateUnit : uint8_t {
  kYear,
  kQuarter,
  kMonth,
  kWeek,
  kDay,
  kHour,
  kMinute,
  kSecond,
};
std::optional<Date> date_trunc(const Date& date, DateUnit unit) noexcept;

/// Below 0, 0, above 0. Places do not count.
int compare_dates(const Date& a, const Date& b) noexcept;

}  // namespace lugger
