#include "plan/vector_policy.hpp"

#include <bit>
#include <cmath>

#include "vector/half.hpp"

namespace lugger {
namespace {

constexpr size_t kSparseHead = 12;

template <typename Element>
bool all_zero(Bytes elements) noexcept {
  constexpr auto kMagnitude = static_cast<Element>(~(Element{1} << (8 * sizeof(Element) - 1)));
  Element met = 0;
  for (size_t i = 0; i + sizeof(Element) <= elements.size(); i += sizeof(Element))
    met = static_cast<Element>(met | load_le<Element>(elements.data() + i));
  return (met & kMagnitude) == 0;
}

/// Rejects zeros by policy. -0 is one.
Failure check_zero(const Coercer& c, const Value& vector) noexcept {
  if (c.policy().zero == CoercePolicy::Zero::kKeep) return Failure::kNone;
  const bool zero = vector.type == ValueType::kSparseVector ? vector.size == kSparseHead
                    : vector.type == ValueType::kHalfVector ? all_zero<uint16_t>(vector.bytes())
                                                            : all_zero<uint32_t>(vector.bytes());
  return zero ? Failure::kZero : Failure::kNone;
}

/// The square of the length, in four sums.
template <typename Next>
double squared_length(size_t count, Next&& next) noexcept {
  double sums[4] = {};
  for (size_t i = 0; i < count; ++i) {
    const double element = next(i);
    sums[i % 4] += element * element;
  }
  return sums[0] + sums[1] + (sums[2] + sums[3]);
}

/// Of a vector that was rounded to its type a length of 1 is still about that.
Failure check_length(const Coercer& c, const Value& vector) noexcept {
  if (!c.policy().normalised) return Failure::kNone;
  constexpr double kTolerance = 2e-3, kHalfTolerance = 1e-2;
  const uint8_t* at = vector.data;
  double length = 0;
  if (vector.type == ValueType::kHalfVector) {
    length = squared_length(vector.size / 2, [&](size_t i) {
      return static_cast<double>(float_from_half(load_le<uint16_t>(at + 2 * i)));
    });
  } else if (vector.type == ValueType::kSparseVector) {
    const size_t count = load_be<uint32_t>(at + 4);
    length = squared_length(count, [&](size_t i) {
      return static_cast<double>(
          std::bit_cast<float>(load_be<uint32_t>(at + kSparseHead + 4 * (count + i))));
    });
  } else {
    length = squared_length(vector.size / 4, [&](size_t i) {
      return static_cast<double>(std::bit_cast<float>(load_le<uint32_t>(at + 4 * i)));
    });
  }
  const double most = vector.type == ValueType::kHalfVector ? kHalfTolerance : kTolerance;
  return std::abs(length - 1) <= most ? Failure::kNone : Failure::kNotNormalised;
}

}  // namespace

Failure check_policies(const Coercer& c, const Value& vector) noexcept {
  const Failure failure = check_zero(c, vector);
  return failure == Failure::kNone ? check_length(c, vector) : failure;
}

}  // namespace lugger
