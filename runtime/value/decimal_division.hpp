// Division of exact decimals, and rounding other than PostgreSQL's.
#pragma once
#include "value/decimal.hpp"

namespace lugger {

/// What becomes of the digits that are cut. A half goes away from zero (kHalfUp, as PostgreSQL's
/// round), to the even digit, or towards zero.
enum class Rounding : uint8_t { kHalfUp, kHalfEven, kHalfDown, kUp, kDown, kFloor, kCeiling };

/// To exactly `scale` decimals; zeros are appended when there are fewer.
void round_decimal(DecimalDigits& value, int scale, Rounding mode);

/// a / b with `scale` decimals. Both are finite, b is not zero.
DecimalDigits divide(const DecimalDigits& a, const DecimalDigits& b, int scale, Rounding mode);

/// How many decimals PostgreSQL's numeric gives a quotient: at least 16 significant digits, and as
/// many decimals as either operand has.
int quotient_scale(const DecimalDigits& a, const DecimalDigits& b);

}  // namespace lugger
