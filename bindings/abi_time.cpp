// FFI: dates, intervals, time zones.
#include <cstddef>
#include <string>

#include "base/zone.hpp"
#include "bindings/abi.h"
#include "bindings/abi_cast.hpp"
#include "value/date_math.hpp"
#include "value/datetime.hpp"
#include "value/interval.hpp"

using namespace lugger;

static_assert(sizeof(lug_date) == sizeof(Date) &&
              offsetof(lug_date, lug_us_) == offsetof(Date, us));

static Date date_of(const lug_date& in) noexcept { return {in.lug_ms_, in.lug_us_, in.lug_place_}; }

static int give_date(const std::optional<Date>& date, lug_date* out) noexcept {
  if (!date) return 0;
  *out = {date->ms, date->us, date->place};
  return 1;
}

static Interval interval_of(const lug_interval& in) noexcept {
  return {in.lug_micros_, in.lug_days_, in.lug_months_};
}

static int give_interval(const std::optional<Interval>& interval, lug_interval* out) noexcept {
  if (!interval) return 0;
  *out = {interval->micros, interval->days, interval->months};
  return 1;
}

/// Runs a text function. An exception (out of memory) is reported as no text.
template <typename Text>
static uint32_t text_of(Text&& make, char* out, uint32_t room) noexcept {
  try {
    return give_text(make(), out, room);
  } catch (const std::exception&) {
    return 0;
  }
}

extern "C" {

void lug_date_from_value(const lug_value* value, lug_date* out) noexcept {
  const Value& in = as_value(*value);
  *out = {};
  if (in.type == ValueType::kDay) {
    const bool endless = in.i64 == INT32_MAX || in.i64 == INT32_MIN;
    out->lug_place_ = Date::kDay;
    out->lug_ms_ = endless ? (in.i64 > 0 ? INT64_MAX : INT64_MIN)
                           : in.i64 * (kMicrosPerDay / 1000) + kPgEpochUnixMicros / 1000;
    return;
  }
  out->lug_place_ = in.aux;
  if (in.type == ValueType::kMicros) {
    const bool endless = in.i64 == kInfinityMicros || in.i64 == kMinusInfinityMicros;
    out->lug_ms_ = endless ? in.i64 : unix_ms_from_micros(in.i64).value_or(0);
    out->lug_us_ = endless ? 0 : static_cast<int32_t>(((in.i64 % 1000) + 1000) % 1000);
  } else {
    out->lug_ms_ = in.i64;
  }
}

// The zone of an instant travels in `aux`, which nothing else reads.
void lug_date_to_value(const lug_date* date, lug_value* out) noexcept {
  const int64_t ms = date->lug_ms_;
  const bool endless = ms == INT64_MAX || ms == INT64_MIN;
  Value value = Value::of(ValueType::kDate, ms);
  if (date->lug_place_ == Date::kDay) {
    constexpr int64_t kMsPerDay = kMicrosPerDay / 1000;
    const int64_t days = ms / kMsPerDay - (ms % kMsPerDay < 0 ? 1 : 0);
    value = Value::of(ValueType::kDay, endless ? (ms > 0 ? INT32_MAX : INT32_MIN)
                                               : days - kPgEpochUnixMicros / kMicrosPerDay);
  } else {
    if (endless) {
      value = Value::of(ValueType::kMicros, ms);
    } else if (date->lug_us_ != 0) {
      if (const auto micros = micros_from_unix_ms(ms))
        value = Value::of(ValueType::kMicros, *micros + date->lug_us_);
    }
    value.aux = static_cast<uint16_t>(date->lug_place_);
  }
  as_value(*out) = value;
}

int lug_date_parse(const char* text, uint32_t size, int day, lug_date* out) noexcept {
  const auto read = day != 0 ? parse_day({text, size}) : parse_timestamp({text, size});
  if (!read) return 0;
  lug_value in;
  as_value(in) = Value::of(day != 0 ? ValueType::kDay : ValueType::kMicros, *read);
  lug_date_from_value(&in, out);
  return 1;
}

int32_t lug_date_field(const lug_date* date, int field) noexcept {
  return date_field(date_of(*date), static_cast<DateField>(field));
}

int lug_date_add(const lug_date* date, const lug_interval* interval, lug_date* out) noexcept {
  return give_date(date_plus(date_of(*date), interval_of(*interval)), out);
}

int lug_date_trunc(const lug_date* date, int unit, lug_date* out) noexcept {
  return give_date(date_trunc(date_of(*date), static_cast<DateUnit>(unit)), out);
}

int lug_date_make(int32_t year, int month, int day, int64_t ms_of_day, int32_t place,
                  lug_date* out) noexcept {
  return give_date(date_from_local(days_from_civil(year, month, day), ms_of_day, 0, place), out);
}

int lug_date_compare(const lug_date* a, const lug_date* b) noexcept {
  return compare_dates(date_of(*a), date_of(*b));
}

int32_t lug_days_in_month(int32_t year, int month) noexcept { return days_in_month(year, month); }

int lug_interval_parse(const char* text, uint32_t size, lug_interval* out) noexcept {
  unsigned char bytes[16];
  if (!parse_interval({text, size}, bytes)) return 0;
  return give_interval(Interval::load(bytes), out);
}

void lug_interval_bytes(const lug_interval* interval, uint8_t* out16) noexcept {
  store_be(out16, interval->lug_micros_);
  store_be(out16 + 8, interval->lug_days_);
  store_be(out16 + 12, interval->lug_months_);
}

void lug_interval_of_bytes(const uint8_t* bytes16, lug_interval* out) noexcept {
  give_interval(Interval::load(bytes16), out);
}

double lug_interval_field(const lug_interval* interval, int field) noexcept {
  constexpr int64_t kHour = 3600000000, kMinute = 60000000;
  const Interval in = interval_of(*interval);
  switch (field) {
    case 0: return in.months / 12;
    case 1: return in.months % 12;
    case 2: return in.days;
    case 3: return static_cast<double>(in.micros / kHour);
    case 4: return static_cast<double>(in.micros / kMinute % 60);
    default: return static_cast<double>(in.micros % kMinute) / 1e6;
  }
}

int lug_interval_compare(const lug_interval* a, const lug_interval* b) noexcept {
  return compare_intervals(interval_of(*a), interval_of(*b));
}

int lug_interval_add(const lug_interval* a, const lug_interval* b, int subtract,
                     lug_interval* out) noexcept {
  return give_interval(sum(interval_of(*a), interval_of(*b), subtract != 0), out);
}

int lug_interval_scale(const lug_interval* interval, double factor, int divide,
                       lug_interval* out) noexcept {
  const Interval in = interval_of(*interval);
  return give_interval(divide != 0 ? divided(in, factor) : multiplied(in, factor), out);
}

int32_t lug_zone_find(const char* name, uint32_t size) noexcept {
  try {
    return find_zone({name, size});
  } catch (const std::exception&) {
    return 0;
  }
}

uint32_t lug_zone_name(int32_t zone, char* out, uint32_t room) noexcept {
  return text_of([&] { return zone_name(zone); }, out, room);
}

uint32_t lug_zone_abbreviation(int32_t zone, int64_t seconds, char* out, uint32_t room) noexcept {
  return text_of([&] { return zone_abbreviation(zone, seconds); }, out, room);
}

uint32_t lug_zone_names(char* out, uint32_t room) noexcept {
  return text_of(zone_names, out, room);
}

}  // extern "C"
