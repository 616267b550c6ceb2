// date, time, timestamp, timestamptz, interval.
#include <cmath>

#include "plan/coerce.hpp"
#include "value/datetime.hpp"

namespace lugger {

namespace {

using Epoch = CoercePolicy::Epoch;

/// A time PostgreSQL has no place for. later: beyond the end of its years.
Failure out_of_range(const CoercePolicy& policy, bool later, ValueType type, Value& out) noexcept {
  if (policy.out_of_range == CoercePolicy::Range::kReject) return Failure::kOutOfRange;
  if (policy.out_of_range == CoercePolicy::Range::kNull) return null_out(out);
  const bool day = type == ValueType::kDay;
  const int64_t infinity = day ? int64_t{INT32_MAX} : kInfinityMicros,
                minus = day ? int64_t{INT32_MIN} : kMinusInfinityMicros;
  out = Value::of(type, later ? infinity : minus);
  return Failure::kNone;
}

struct Instant {
  enum class State : uint8_t { kGood, kNull, kEarly, kLate } state = State::kGood;
  int64_t micros = 0;
  static Instant at(std::optional<int64_t> micros, bool later) noexcept {
    return micros ? Instant{State::kGood, *micros}
                  : Instant{later ? State::kLate : State::kEarly, 0};
  }
};

/// Numbers count from 1970 in the declared unit; finer than a microsecond follows policy.fraction.
Failure instant_from_number(Coercer& c, Instant& out) {
  DecimalDigits& digits = c.digits();
  if (digits.kind != DecimalDigits::Kind::kFinite) return Failure::kNonFinite;
  digits.scale -= c.policy().epoch == Epoch::kSeconds        ? 6
                  : c.policy().epoch == Epoch::kMilliseconds ? 3
                                                             : 0;
  if (c.policy().fraction == CoercePolicy::Fraction::kRound) {
    round_decimal(digits, 0);
  } else if (truncate_decimal(digits, 0) &&
             c.policy().fraction == CoercePolicy::Fraction::kReject) {
    return Failure::kInexact;
  }
  int64_t us = 0;
  const bool overflow = decimal_to_int(digits, us) != DecimalFault::kNone;
  out = Instant::at(overflow ? std::nullopt : micros_from_unix_us(us), !digits.negative);
  return Failure::kNone;
}

/// Digits finer than a microsecond, by policy.
Failure settle_finer(const CoercePolicy& policy, Finer finer, int64_t& micros) noexcept {
  if (finer != Finer::kNone && policy.fraction == CoercePolicy::Fraction::kReject)
    return Failure::kInexact;
  if (finer == Finer::kUp && policy.fraction == CoercePolicy::Fraction::kRound) ++micros;
  return Failure::kNone;
}

Failure instant_from_text(Coercer& c, const Value& in, Instant& out) {
  std::string_view text;
  if (read_text(c.policy(), in, text)) {
    out.state = Instant::State::kNull;
    return Failure::kNone;
  }
  Finer finer = Finer::kNone;
  if (const auto micros = parse_timestamp(text, &finer)) {
    out.micros = *micros;
    return settle_finer(c.policy(), finer, out.micros);
  }
  if (c.policy().epoch == Epoch::kNone ||
      parse_decimal(text, c.policy().number, c.digits()) != DecimalFault::kNone)
    return Failure::kSyntax;
  return instant_from_number(c, out);
}

/// What date and timestamps have in common: a point in time, microseconds since 2000.
Failure read_instant(Coercer& c, const Value& in, Instant& out) {
  switch (in.type) {
    case ValueType::kDate:
      out = Instant::at(micros_from_unix_ms(in.i64), in.i64 > 0);
      return Failure::kNone;
    case ValueType::kMicros: out.micros = in.i64; return Failure::kNone;
    case ValueType::kTimestamp:
      out = Instant::at(
          micros_from_unix_us(static_cast<int64_t>(static_cast<uint64_t>(in.i64) >> 32) * 1000000),
          true);
      return Failure::kNone;
    default: break;
  }
  if (c.policy().strict) return Failure::kWrongType;
  if (is_text(in.type)) return instant_from_text(c, in, out);
  if (c.policy().epoch == Epoch::kNone || !number_digits(in, c.digits()))
    return Failure::kWrongType;
  return instant_from_number(c, out);
}

int64_t floor_days(int64_t micros) noexcept {
  return micros / kMicrosPerDay - (micros % kMicrosPerDay < 0 ? 1 : 0);
}

bool is_infinite(int64_t micros) noexcept {
  return micros == kInfinityMicros || micros == kMinusInfinityMicros;
}

/// A Date beyond timestamp's years may still be a date: those go to the year 5874897.
bool far_day(const Value& in, int64_t& day, bool& midnight) noexcept {
  if (in.type != ValueType::kDate) return false;
  constexpr int64_t kMsPerDay = kMicrosPerDay / 1000;
  day = in.i64 / kMsPerDay - (in.i64 % kMsPerDay < 0 ? 1 : 0) - kPgEpochUnixMicros / kMicrosPerDay;
  midnight = in.i64 % kMsPerDay == 0;
  return day >= kMinDay && day <= kMaxDay;
}

}  // namespace

Failure coerce_timestamp(Coercer& c, const Value& in, Value& out, Arena&) {
  if (in.absent()) return null_out(out);
  Instant instant;
  if (in.type == ValueType::kDay) {
    const bool infinite = in.i64 == INT32_MAX || in.i64 == INT32_MIN;
    if (infinite) {
      instant.micros = in.i64 > 0 ? kInfinityMicros : kMinusInfinityMicros;
    } else {
      instant = in.i64 > kEndMicros / kMicrosPerDay - 1
                    ? Instant::at(std::nullopt, true)
                    : Instant{Instant::State::kGood, in.i64 * kMicrosPerDay};
    }
  } else if (const Failure failure = read_instant(c, in, instant); failure != Failure::kNone) {
    if (failure == Failure::kNonFinite && c.policy().non_finite == CoercePolicy::NonFinite::kNull)
      return null_out(out);
    return failure;
  }
  if (instant.state == Instant::State::kNull) return null_out(out);
  if (instant.state != Instant::State::kGood)
    return out_of_range(c.policy(), instant.state == Instant::State::kLate, ValueType::kMicros,
                        out);
  out = Value::of(ValueType::kMicros, instant.micros);
  return Failure::kNone;
}

Failure coerce_date(Coercer& c, const Value& in, Value& out, Arena&) {
  if (in.absent()) return null_out(out);
  if (in.type == ValueType::kDay) {
    out = in;
    return Failure::kNone;
  }
  int64_t day = 0;
  bool midnight = true;
  if (is_text(in.type) && !c.policy().strict) {
    std::string_view text;
    if (read_text(c.policy(), in, text)) return null_out(out);
    if (const auto parsed = parse_day(text)) {
      out = Value::of(ValueType::kDay, *parsed);
      return Failure::kNone;
    }
  }
  if (!far_day(in, day, midnight)) {
    Instant instant;
    if (const Failure failure = read_instant(c, in, instant); failure != Failure::kNone)
      return failure;
    if (instant.state == Instant::State::kNull) return null_out(out);
    if (instant.state != Instant::State::kGood)
      return out_of_range(c.policy(), instant.state == Instant::State::kLate, ValueType::kDay, out);
    if (is_infinite(instant.micros)) {
      out = Value::of(ValueType::kDay, instant.micros > 0 ? INT32_MAX : INT32_MIN);
      return Failure::kNone;
    }
    day = floor_days(instant.micros);
    midnight = instant.micros % kMicrosPerDay == 0;
  }
  if (!midnight && c.policy().fraction == CoercePolicy::Fraction::kReject) return Failure::kInexact;
  out = Value::of(ValueType::kDay, day);
  return Failure::kNone;
}

Failure coerce_time(Coercer& c, const Value& in, Value& out, Arena&) {
  if (in.absent()) return null_out(out);
  if (in.type == ValueType::kTime) {
    out = in;
    return Failure::kNone;
  }
  if (c.policy().strict || !is_text(in.type)) return Failure::kWrongType;
  std::string_view text;
  if (read_text(c.policy(), in, text)) return null_out(out);
  Finer finer = Finer::kNone;
  auto micros = parse_time(text, &finer);
  if (!micros) return Failure::kSyntax;
  const Failure failure = settle_finer(c.policy(), finer, *micros);
  out = Value::of(ValueType::kTime, *micros);
  return failure;
}

Failure coerce_interval(Coercer& c, const Value& in, Value& out, Arena& arena) {
  if (in.absent()) return null_out(out);
  if (in.type == ValueType::kInterval) {
    out = in;
    return Failure::kNone;
  }
  if (c.policy().strict || !is_text(in.type)) return Failure::kWrongType;
  std::string_view text;
  if (read_text(c.policy(), in, text)) return null_out(out);
  uint8_t* bytes = arena.allocate(16);
  if (!parse_interval(text, bytes)) return Failure::kSyntax;
  out = Value::of(ValueType::kInterval, Bytes(bytes, 16));
  return Failure::kNone;
}

}  // namespace lugger
