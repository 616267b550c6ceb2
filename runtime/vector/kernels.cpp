#include "vector/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "vector/half.hpp"

#if defined(__x86_64__)
#define LUGGER_AVX2 [[gnu::target("avx2")]]
#endif
#define LUGGER_INLINE [[gnu::always_inline]] inline

namespace lugger {

namespace {

constexpr size_t kLanes = 8;

struct Product {
  LUGGER_INLINE static double of(float a, float b) noexcept {
    return static_cast<double>(a) * static_cast<double>(b);
  }
};
struct SquaredDifference {
  LUGGER_INLINE static double of(float a, float b) noexcept {
    const double difference = static_cast<double>(a) - static_cast<double>(b);
    return difference * difference;
  }
};

struct AbsoluteDifference {
  LUGGER_INLINE static double of(float a, float b) noexcept {
    return std::fabs(static_cast<double>(a) - static_cast<double>(b));
  }
};

LUGGER_INLINE double total(const double* lanes) noexcept {
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
         ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

/// Inlined into one function for each processor; the compiler turns the lanes into vector
/// instructions.
template <typename Term>
LUGGER_INLINE double sum_body(const float* a, const float* b, size_t n) noexcept {
  double lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += Term::of(a[i + lane], b[i + lane]);
  for (size_t lane = 0; i < n; ++i, ++lane) lanes[lane] += Term::of(a[i], b[i]);
  return total(lanes);
}

struct Sums {
  double dot, a_squared;
};

/// Both sums in one pass over a.
LUGGER_INLINE Sums both_body(const float* a, const float* b, size_t n) noexcept {
  double dots[kLanes] = {}, squares[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      dots[lane] += Product::of(a[i + lane], b[i + lane]);
      squares[lane] += Product::of(a[i + lane], a[i + lane]);
    }
  }
  for (size_t lane = 0; i < n; ++i, ++lane) {
    dots[lane] += Product::of(a[i], b[i]);
    squares[lane] += Product::of(a[i], a[i]);
  }
  return {total(dots), total(squares)};
}

template <typename Term>
double sum_plain(const float* a, const float* b, size_t n) noexcept {
  return sum_body<Term>(a, b, n);
}
Sums both_plain(const float* a, const float* b, size_t n) noexcept { return both_body(a, b, n); }

#if defined(__x86_64__)
template <typename Term>
LUGGER_AVX2 double sum_avx2(const float* a, const float* b, size_t n) noexcept {
  return sum_body<Term>(a, b, n);
}
LUGGER_AVX2 Sums both_avx2(const float* a, const float* b, size_t n) noexcept {
  return both_body(a, b, n);
}
// A branch rather than an ifunc, because ifunc resolvers run before the sanitizers are initialised.
bool has_avx2() noexcept { return __builtin_cpu_supports("avx2") != 0; }

template <typename Term>
double sum(Floats a, Floats b) noexcept {
  return (has_avx2() ? sum_avx2<Term> : sum_plain<Term>)(a.data(), b.data(), a.size());
}
Sums both(Floats a, Floats b) noexcept {
  return (has_avx2() ? both_avx2 : both_plain)(a.data(), b.data(), a.size());
}
#else
template <typename Term>
double sum(Floats a, Floats b) noexcept {
  return sum_plain<Term>(a.data(), b.data(), a.size());
}
Sums both(Floats a, Floats b) noexcept { return both_plain(a.data(), b.data(), a.size()); }
#endif

}  // namespace

double dot(Floats a, Floats b) noexcept { return sum<Product>(a, b); }
double l2_squared(Floats a, Floats b) noexcept { return sum<SquaredDifference>(a, b); }
double l1(Floats a, Floats b) noexcept { return sum<AbsoluteDifference>(a, b); }
double norm(Floats v) noexcept { return std::sqrt(dot(v, v)); }
double cosine(Floats a, Floats b) noexcept { return cosine(a, b, dot(b, b)); }

double cosine(Floats a, Floats b, double b_squared) noexcept {
  const Sums sums = both(a, b);
  // a double can hold the product of two squares of floats
  const double scale = std::sqrt(sums.a_squared * b_squared);
  if (scale == 0) return std::numeric_limits<double>::quiet_NaN();
  return std::clamp(sums.dot / scale, -1.0, 1.0);
}

void normalise(std::span<float> v) noexcept {
  const double length = norm(v);
  if (length == 0) return;
  for (float& number : v) number = static_cast<float>(static_cast<double>(number) / length);
}

uint64_t hamming(Floats a, Floats b) noexcept {
  uint64_t out = 0;
  for (size_t i = 0; i < a.size(); ++i) out += (a[i] > 0) != (b[i] > 0) ? 1 : 0;
  return out;
}

double jaccard(Floats a, Floats b) noexcept {
  uint64_t shared = 0, any = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    shared += a[i] > 0 && b[i] > 0 ? 1 : 0;
    any += a[i] > 0 || b[i] > 0 ? 1 : 0;
  }
  return shared == 0 ? 1 : 1 - static_cast<double>(shared) / static_cast<double>(any);
}

void add(Floats a, Floats b, std::span<float> out) noexcept {
  std::transform(a.begin(), a.end(), b.begin(), out.begin(), std::plus<>());
}

void scale(std::span<float> v, double factor) noexcept {
  for (float& number : v) number = static_cast<float>(static_cast<double>(number) * factor);
}

void mean(std::span<const float* const> vectors, std::span<float> out) noexcept {
  const auto count = static_cast<double>(vectors.size());
  for (size_t i = 0; i < out.size(); ++i) {
    double sum = 0;
    for (const float* vector : vectors) sum += static_cast<double>(vector[i]);
    out[i] = static_cast<float>(sum / count);
  }
}

void quantise(std::span<float> v, Precision precision) noexcept {
  for (float& number : v) {
    const Floats in(&number, 1);
    if (precision == Precision::kHalf) {
      number = float_from_half(half_from_float(number));
    } else if (precision == Precision::kInt8) {
      int8_t small = 0;
      int8_from_floats(in, {&small, 1});
      number = static_cast<float>(small);
    } else {
      number = number > 0 ? 1.0F : 0.0F;
    }
  }
}

void floats_from_halves(std::span<const uint16_t> in, std::span<float> out) noexcept {
  std::transform(in.begin(), in.end(), out.begin(), float_from_half);
}

void halves_from_floats(Floats in, std::span<uint16_t> out) noexcept {
  std::transform(in.begin(), in.end(), out.begin(), half_from_float);
}

void floats_from_int8(std::span<const int8_t> in, std::span<float> out) noexcept {
  std::transform(in.begin(), in.end(), out.begin(),
                 [](int8_t number) { return static_cast<float>(number); });
}

void int8_from_floats(Floats in, std::span<int8_t> out) noexcept {
  std::transform(in.begin(), in.end(), out.begin(), [](float number) {
    if (std::isnan(number)) return int8_t{0};
    return static_cast<int8_t>(std::nearbyint(std::clamp(number, -128.0F, 127.0F)));
  });
}

void floats_from_bits(std::span<const uint8_t> in, std::span<float> out) noexcept {
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = (in[i / 8] >> (7 - i % 8) & 1) != 0 ? 1.0F : 0.0F;
}

void bits_from_floats(Floats in, std::span<uint8_t> out) noexcept {
  std::fill(out.begin(), out.end(), uint8_t{0});
  for (size_t i = 0; i < in.size(); ++i)
    if (in[i] > 0) out[i / 8] |= static_cast<uint8_t>(0x80 >> i % 8);
}

}  // namespace lugger
