// A length of time as PostgreSQL has it: months, days and microseconds, which are not exchanged for
// one another.
#pragma once
#include <cstdint>
#include <optional>

namespace lugger {

struct Interval {
  int64_t micros = 0;
  int32_t days = 0, months = 0;

  /// PostgreSQL's binary form, 16 bytes.
  static Interval load(const unsigned char* bytes16) noexcept;
};

/// PostgreSQL's order: a month counts as 30 days, a day as 24 hours. Below 0, 0, above 0.
int compare_intervals(const Interval& a, const Interval& b) noexcept;

/// a + b, or a - b. nullopt: out of range.
std::optional<Interval> sum(const Interval& a, const Interval& b, bool subtract) noexcept;

/// As PostgreSQL multiplies: what is left of months becomes days, of days time. nullopt: out of
/// range, or not a number. Whole factors are exact.
std::optional<Interval> multiplied(const Interval& interval, double factor) noexcept;
/// The divisor must not be zero.
std::optional<Interval> divided(const Interval& interval, double divisor) noexcept;

}  // namespace lugger
