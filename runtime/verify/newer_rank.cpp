#include "verify/newer_rank.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "value/decimal.hpp"

namespace lugger {

namespace {

constexpr uint64_t kSign = uint64_t{1} << 63;

/// The order of PostgreSQL: 0 and -0 are equal; all NaN are equal, and greater than any number.
uint64_t float_rank(double number) {
  if (number == 0) number = 0;
  if (std::isnan(number)) number = std::numeric_limits<double>::quiet_NaN();
  const auto bits = std::bit_cast<uint64_t>(number);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

}  // namespace

uint64_t newer_rank(const Value& value) {
  if (value.absent()) return 0;
  switch (value.type) {
    case ValueType::kDouble: return float_rank(value.f64);
    case ValueType::kNumeric: {
      DecimalDigits digits;
      decimal_from_numeric(value.bytes(), digits);
      return float_rank(decimal_to_double(digits));
    }
    case ValueType::kBool:
    case ValueType::kInt32:
    case ValueType::kInt64:
    case ValueType::kDay:
    case ValueType::kTime:
    case ValueType::kMicros:
      // -infinity is newer than NULL.
      return std::max<uint64_t>(static_cast<uint64_t>(value.i64) ^ kSign, 1);
    default: raise(Code::kBug, "a {} has no rank", type_word(value.type));
  }
}

}  // namespace lugger
