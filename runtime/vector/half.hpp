// float16, as pgvector's halfvec stores it.
#pragma once
#include <bit>
#include <cstdint>

namespace lugger {

/// Rounds to the nearest float16, ties to even. 65520 and more becomes infinite; NaN stays NaN.
uint16_t half_from_double(double value) noexcept;
double double_from_half(uint16_t half) noexcept;

/// Converts to float without a branch, which keeps loops over many values fast.
inline float float_from_half(uint16_t half) noexcept {
  const uint32_t sign = (half & 0x8000U) << 16, magnitude = (half & 0x7FFFU) << 13;
  // The biases of the exponents differ by 112; multiplying by a power of two also handles
  // subnormals.
  const auto scaled = std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112F);
  const uint32_t endless = magnitude | 0x7F800000U;
  return std::bit_cast<float>(sign | (magnitude >= 0x0F800000U ? endless : scaled));
}

inline uint16_t half_from_float(float value) noexcept {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000U, magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) return static_cast<uint16_t>(sign | 0x7E00U);
  if (magnitude >= 0x47800000U) return static_cast<uint16_t>(sign | 0x7C00U);  // 65536 and more
  if (magnitude < 0x38800000U) {
    // Below 2^-14: after adding 0.5, the last bits are steps of 2^-24, and the addition has rounded
    // them.
    const float steps = std::bit_cast<float>(magnitude) + 0.5F;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(steps) - 0x3F000000U));
  }
  const uint32_t odd = magnitude >> 13 & 1;
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000U + 0xFFFU + odd) >> 13));
}

}  // namespace lugger
