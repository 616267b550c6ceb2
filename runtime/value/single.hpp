// float4 between its decimal text and the doubles that JSON's numbers are read as.
#pragma once
#include <cmath>
#include <cstddef>
#include <string_view>

#include "value/decimal.hpp"

namespace lugger {

/// Of all floats this one and its negative alone do not survive their shortest text, 7.038531e-26:
/// the nearest double lies midway to the next float, which has the even bits.
inline constexpr float kMidwaySingle = 0x1.5c87fap-84F;
inline constexpr double kMidwayDouble = 7.038531e-26;

/// Rounds once. The double midway goes to the float of whose text it came; both are as near.
inline float single_from_double(double number) noexcept {
  if (std::abs(number) == kMidwayDouble) [[unlikely]]
    return static_cast<float>(std::copysign(kMidwaySingle, static_cast<float>(number)));
  return static_cast<float>(number);
}

/// Digits that give the float back by way of a double, too: the shortest but for the one. A zero's
/// sign is followed by a fraction: readers of JSON take -0 for an integer, which has no sign. `out`
/// has room for kDoubleChars.
inline size_t single_chars(float value, char* out) noexcept {
  const bool midway = std::abs(value) == kMidwaySingle;
  if (!midway && (value != 0 || !std::signbit(value))) [[likely]]
    return float_chars(value, out);
  std::string_view text = midway ? "-7.03853069e-26" : "-0.0";
  if (!std::signbit(value)) text.remove_prefix(1);
  return text.copy(out, text.size());
}

}  // namespace lugger
