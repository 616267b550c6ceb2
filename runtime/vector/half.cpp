#include "vector/half.hpp"

#include <cmath>

namespace lugger {

uint16_t half_from_double(double value) noexcept {
  const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7E00);
  if (magnitude >= 65520) return static_cast<uint16_t>(sign | 0x7C00);  // would round to 65536
  if (magnitude < 0x1p-14) {
    // Subnormal: multiples of 2^-24. 1024 of them are the smallest normal number, and its bits are
    // the next value.
    return static_cast<uint16_t>(sign |
                                 static_cast<uint16_t>(std::nearbyint(std::ldexp(magnitude, 24))));
  }
  int exponent = 0;
  const double fraction = std::frexp(magnitude, &exponent);  // 0.5 <= fraction < 1
  const auto steps = static_cast<int>(
      std::nearbyint(std::ldexp(fraction, 11)));  // 1024..2048; 2048 carries into the exponent
  return static_cast<uint16_t>(sign | (((exponent + 13) << 10) + steps));
}

double double_from_half(uint16_t half) noexcept {
  const int exponent = half >> 10 & 31, mantissa = half & 0x3FF;
  const double sign = (half & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 31) return mantissa != 0 ? std::nan("") : sign * HUGE_VAL;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(mantissa + 1024, exponent - 25);
}

}  // namespace lugger
