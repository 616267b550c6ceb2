#include <cmath>
#include <utility>

#include "base/bytes.hpp"
#include "value/datetime.hpp"
#include "value/interval.hpp"

namespace lugger {

namespace {

constexpr int kDaysPerMonth = 30;
constexpr double kSecondsPerDay = 86400, kMicrosPerSecond = 1e6;

/// To microseconds, so that what should be whole is.
double to_micros(double seconds) noexcept {
  return std::rint(seconds * kMicrosPerSecond) / kMicrosPerSecond;
}

bool whole_days(double value, int32_t& out) noexcept {
  if (!(value > -2147483649.0 && value < 2147483648.0)) return false;
  out = static_cast<int32_t>(value);
  return true;
}

/// Of exact results of each part; `seconds` are what the days and months leave.
struct Scaled {
  double months, days, micros;
};

/// The steps of PostgreSQL's interval_mul(), so that results are the same to the last digit.
std::optional<Interval> gathered(const Scaled& scaled) noexcept {
  Interval out;
  if (!whole_days(scaled.months, out.months) || !whole_days(scaled.days, out.days))
    return std::nullopt;
  const double of_month = to_micros((scaled.months - out.months) * kDaysPerMonth);
  const auto more_days = static_cast<int32_t>(of_month);
  double seconds = to_micros((scaled.days - out.days + of_month - more_days) * kSecondsPerDay);
  int32_t carried = 0;
  if (std::abs(seconds) >= kSecondsPerDay) {
    carried = static_cast<int32_t>(seconds / kSecondsPerDay);
    seconds -= carried * kSecondsPerDay;
  }
  if (__builtin_add_overflow(out.days, carried, &out.days) ||
      __builtin_add_overflow(out.days, more_days, &out.days))
    return std::nullopt;
  const double micros = std::rint(scaled.micros + seconds * kMicrosPerSecond);
  if (!(micros >= -0x1p63 && micros < 0x1p63)) return std::nullopt;
  out.micros = static_cast<int64_t>(micros);
  return out;
}

}  // namespace

Interval Interval::load(const unsigned char* bytes16) noexcept {
  return {load_be<int64_t>(bytes16), load_be<int32_t>(bytes16 + 8), load_be<int32_t>(bytes16 + 12)};
}

int compare_intervals(const Interval& a, const Interval& b) noexcept {
  const auto span = [](const Interval& i) {
    const int64_t late = i.micros % kMicrosPerDay < 0 ? 1 : 0;
    const int64_t of_micros = i.micros / kMicrosPerDay - late;
    return std::pair{int64_t{i.months} * kDaysPerMonth + i.days + of_micros,
                     i.micros - of_micros * kMicrosPerDay};
  };
  const auto left = span(a), right = span(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

std::optional<Interval> sum(const Interval& a, const Interval& b, bool subtract) noexcept {
  Interval out;
  const auto part = [&](const auto& left, const auto& right, auto* result) {
    return subtract ? __builtin_sub_overflow(left, right, result)
                    : __builtin_add_overflow(left, right, result);
  };
  const bool overflow = part(a.months, b.months, &out.months) || part(a.days, b.days, &out.days) ||
                        part(a.micros, b.micros, &out.micros);
  return overflow ? std::nullopt : std::optional(out);
}

std::optional<Interval> multiplied(const Interval& in, double factor) noexcept {
  if (factor == std::trunc(factor) && std::abs(factor) <= 0x1p53) {
    const auto times = static_cast<int64_t>(factor);
    Interval out;
    if (__builtin_mul_overflow(in.months, times, &out.months) ||
        __builtin_mul_overflow(in.days, times, &out.days) ||
        __builtin_mul_overflow(in.micros, times, &out.micros))
      return std::nullopt;
    return out;
  }
  return gathered({in.months * factor, in.days * factor, static_cast<double>(in.micros) * factor});
}

std::optional<Interval> divided(const Interval& in, double divisor) noexcept {
  return gathered(
      {in.months / divisor, in.days / divisor, static_cast<double>(in.micros) / divisor});
}

}  // namespace lugger
