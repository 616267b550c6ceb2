// Arithmetic on vectors of host float32. Sums are kept in double, in lanes whose order does not
// depend on the processor: nothing overflows, and every machine gives the same bits. A NaN among
// the numbers makes the result NaN. Two vectors given together have the same length.
#pragma once
#include <cstdint>
#include <span>

namespace lugger {

using Floats = std::span<const float>;

double dot(Floats a, Floats b) noexcept;
/// The square of the Euclidean distance.
double l2_squared(Floats a, Floats b) noexcept;
double norm(Floats v) noexcept;
/// Between -1 and 1. A vector of zeros has no direction: NaN, as in pgvector.
double cosine(Floats a, Floats b) noexcept;
/// The same where b's dot product with itself is known already.
double cosine(Floats a, Floats b, double b_squared) noexcept;
/// To length 1, in place. A vector of zeros stays one, as pgvector's l2_normalize leaves it; an
/// infinity among the numbers makes NaNs.
void normalise(std::span<float> v) noexcept;

// Other storage of the same numbers. `out` has as many places as `in` has numbers.

void floats_from_halves(std::span<const uint16_t> in, std::span<float> out) noexcept;
void halves_from_floats(Floats in, std::span<uint16_t> out) noexcept;
void floats_from_int8(std::span<const int8_t> in, std::span<float> out) noexcept;
/// Nearest, ties to even; what is beyond -128..127 becomes the end it is beyond, NaN becomes 0.
void int8_from_floats(Floats in, std::span<int8_t> out) noexcept;
/// out.size() bits, the first on top of the first byte: 1 and 0.
void floats_from_bits(std::span<const uint8_t> in, std::span<float> out) noexcept;
/// A bit for each number, 1 where it is greater than 0 as in pgvector's binary_quantize; out has
/// (in.size() + 7) / 8 bytes.
void bits_from_floats(Floats in, std::span<uint8_t> out) noexcept;

}  // namespace lugger
