// Arithmetic on vectors of float32 in host byte order. Sums use double, in lanes whose order does
// not depend on the processor: nothing overflows, and every machine gives the same bits. A NaN
// element makes the result NaN. Two vectors must have the same length.
#pragma once
#include <cstdint>
#include <span>

#include "base/bytes.hpp"

namespace lugger {

using Floats = std::span<const float>;

double dot(Floats a, Floats b) noexcept;
/// The square of the Euclidean distance.
double l2_squared(Floats a, Floats b) noexcept;
/// The sum of the distances along each dimension.
double l1(Floats a, Floats b) noexcept;
double norm(Floats v) noexcept;
/// Between -1 and 1. NaN for a vector of zeros, as in pgvector.
double cosine(Floats a, Floats b) noexcept;
/// The same when b's dot product with itself is already known.
double cosine(Floats a, Floats b, double b_squared) noexcept;
/// Scales to length 1, in place. A vector of zeros is not changed, as in pgvector's l2_normalize;
/// an infinite element gives NaNs.
void normalise(std::span<float> v) noexcept;

// Vectors of bits: an element greater than 0 is a 1, as in pgvector's binary_quantize.

/// How many bits differ.
uint64_t hamming(Floats a, Floats b) noexcept;
/// 1 less the ones of both over the ones of either; 1 when they share none, as in pgvector.
double jaccard(Floats a, Floats b) noexcept;

/// out = a + b.
void add(Floats a, Floats b, std::span<float> out) noexcept;
void scale(std::span<float> v, double factor) noexcept;
/// The mean of each element, summed in double in the order of the vectors. There is at least one.
void mean(std::span<const float* const> vectors, std::span<float> out) noexcept;

enum class Precision : uint8_t { kHalf, kInt8, kBit };
/// Makes of each element what is left of it when it is stored with this precision.
void quantise(std::span<float> v, Precision precision) noexcept;

// Conversions of elements. `out` has as many elements as `in`.

// Bytes hold elements in host byte order, at an address of any alignment.
void floats_from_halves(Bytes halves, uint8_t* out) noexcept;
/// Rounds to nearest, ties to even. 65520 and more becomes infinite.
void halves_from_floats(Bytes floats, uint8_t* out) noexcept;
bool all_finite_floats(Bytes floats) noexcept;
bool all_finite_halves(Bytes halves) noexcept;
void floats_from_halves(std::span<const uint16_t> in, std::span<float> out) noexcept;
void halves_from_floats(Floats in, std::span<uint16_t> out) noexcept;
void floats_from_int8(std::span<const int8_t> in, std::span<float> out) noexcept;
/// Rounds to nearest, ties to even. Values outside -128..127 become the nearest limit, NaN becomes
/// 0.
void int8_from_floats(Floats in, std::span<int8_t> out) noexcept;
/// Reads out.size() bits as 1 and 0, beginning with the highest bit of the first byte.
void floats_from_bits(std::span<const uint8_t> in, std::span<float> out) noexcept;
/// One bit for each element: 1 where it is greater than 0, as in pgvector's binary_quantize. `out`
/// has (in.size() + 7) / 8 bytes.
void bits_from_floats(Floats in, std::span<uint8_t> out) noexcept;

}  // namespace lugger
