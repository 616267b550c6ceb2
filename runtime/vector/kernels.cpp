#include "vector/kernels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <type_traits>

#include "vector/half.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#define LUGGER_AVX2 [[gnu::target("avx2,f16c")]]
#define LUGGER_AVX512 [[gnu::target("avx512f")]]
#endif
#define LUGGER_INLINE [[gnu::always_inline]] inline

namespace lugger {

namespace {

// This file is compiled without fused multiply-add, which would round once less, but where a
// product is exact.
constexpr size_t kLanes = 8;

// So many doubles in a register, and the floats that become them.
struct Two {
  typedef double Doubles __attribute__((vector_size(16)));
  typedef float Singles __attribute__((vector_size(8)));
};
struct Four {
  typedef double Doubles __attribute__((vector_size(32)));
  typedef float Singles __attribute__((vector_size(16)));
};

template <typename Width>
LUGGER_INLINE void load(const float* from, typename Width::Doubles& out) noexcept {
  typename Width::Singles singles;
  std::memcpy(&singles, from, sizeof singles);
  out = __builtin_convertvector(singles, typename Width::Doubles);
}

struct Product {
  template <typename T>
  LUGGER_INLINE static void add(const T& a, const T& b, T& sum) noexcept {
    sum += a * b;
  }
};
struct SquareOfFirst {
  template <typename T>
  LUGGER_INLINE static void add(const T& a, const T&, T& sum) noexcept {
    sum += a * a;
  }
};
struct SquaredDifference {
  template <typename T>
  LUGGER_INLINE static void add(const T& a, const T& b, T& sum) noexcept {
    const T difference = a - b;
    sum += difference * difference;
  }
};
struct AbsoluteDifference {
  template <typename T>
  LUGGER_INLINE static void add(const T& a, const T& b, T& sum) noexcept {
    const T difference = a - b;
    sum += difference < 0 ? -difference : difference;
  }
};

LUGGER_INLINE double total(const double* lanes) noexcept {
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
         ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

/// Adds the elements from i on to the lanes that they belong to, and then the lanes.
template <typename Term>
LUGGER_INLINE double sum_rest(const float* a, const float* b, size_t i, size_t n,
                              double* lanes) noexcept {
  for (size_t lane = 0; i < n; ++i, ++lane)
    Term::add(static_cast<double>(a[i]), static_cast<double>(b[i]), lanes[lane]);
  return total(lanes);
}

/// Inlined into one function for each processor, whose registers have that width: element i is added
/// to lane i % 8 in every one of them. A sum for each of the terms, in one pass.
template <typename Width, typename... Terms>
LUGGER_INLINE auto sums_body(const float* a, const float* b, size_t n) noexcept {
  using Doubles = typename Width::Doubles;
  constexpr size_t kWidth = sizeof(Doubles) / sizeof(double), kRegisters = kLanes / kWidth;
  Doubles sums[sizeof...(Terms)][kRegisters] = {};
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
#pragma GCC unroll 8
    for (size_t r = 0; r < kRegisters; ++r) {
      Doubles x, y;
      load<Width>(a + i + r * kWidth, x);
      load<Width>(b + i + r * kWidth, y);
      size_t term = 0;
      (Terms::add(x, y, sums[term++][r]), ...);
    }
  }
  double lanes[sizeof...(Terms)][kLanes];
  std::memcpy(lanes, sums, sizeof lanes);
  size_t term = 0;
  return std::array{sum_rest<Terms>(a, b, i, n, lanes[term++])...};
}

struct Sums {
  double dot, a_squared;
};

template <typename Term>
double sum_plain(const float* a, const float* b, size_t n) noexcept {
  return sums_body<Two, Term>(a, b, n)[0];
}
Sums both_plain(const float* a, const float* b, size_t n) noexcept {
  const auto [dot, a_squared] = sums_body<Two, Product, SquareOfFirst>(a, b, n);
  return {dot, a_squared};
}

#if defined(__x86_64__)
template <typename Term>
LUGGER_AVX2 double sum_avx2(const float* a, const float* b, size_t n) noexcept {
  return sums_body<Four, Term>(a, b, n)[0];
}
LUGGER_AVX2 Sums both_avx2(const float* a, const float* b, size_t n) noexcept {
  const auto [dot, a_squared] = sums_body<Four, Product, SquareOfFirst>(a, b, n);
  return {dot, a_squared};
}
// The product of two floats is exact in a double: fused or not, the sum has the same bits.

/// GCC converts eight floats in two halves when it is left to itself.
LUGGER_AVX512 LUGGER_INLINE __m512d wide(const float* from) noexcept {
  return _mm512_maskz_cvtps_pd(0xFF, _mm256_loadu_ps(from));
}
template <typename Term>
LUGGER_AVX512 double sum_avx512(const float* a, const float* b, size_t n) noexcept {
  __m512d sums = _mm512_setzero_pd();
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    if constexpr (std::is_same_v<Term, Product>)
      sums = _mm512_fmadd_pd(wide(a + i), wide(b + i), sums);
    else
      Term::add(wide(a + i), wide(b + i), sums);
  }
  double lanes[kLanes];
  std::memcpy(lanes, &sums, sizeof lanes);
  return sum_rest<Term>(a, b, i, n, lanes);
}
LUGGER_AVX512 Sums both_avx512(const float* a, const float* b, size_t n) noexcept {
  __m512d dots = _mm512_setzero_pd(), squares = dots;
  size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const __m512d x = wide(a + i);
    dots = _mm512_fmadd_pd(x, wide(b + i), dots);
    squares = _mm512_fmadd_pd(x, x, squares);
  }
  double dot_lanes[kLanes], square_lanes[kLanes];
  std::memcpy(dot_lanes, &dots, sizeof dot_lanes);
  std::memcpy(square_lanes, &squares, sizeof square_lanes);
  return {sum_rest<Product>(a, b, i, n, dot_lanes),
          sum_rest<SquareOfFirst>(a, b, i, n, square_lanes)};
}
// A branch rather than an ifunc, because ifunc resolvers run before the sanitizers are initialised.
bool has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("f16c") != 0;
}
bool has_avx512() noexcept { return __builtin_cpu_supports("avx512f") != 0; }

template <typename Term>
double sum(Floats a, Floats b) noexcept {
  if (has_avx512()) return sum_avx512<Term>(a.data(), b.data(), a.size());
  return (has_avx2() ? sum_avx2<Term> : sum_plain<Term>)(a.data(), b.data(), a.size());
}
Sums both(Floats a, Floats b) noexcept {
  if (has_avx512()) return both_avx512(a.data(), b.data(), a.size());
  return (has_avx2() ? both_avx2 : both_plain)(a.data(), b.data(), a.size());
}
#else
template <typename Term>
double sum(Floats a, Floats b) noexcept {
  return sum_plain<Term>(a.data(), b.data(), a.size());
}
Sums both(Floats a, Floats b) noexcept { return both_plain(a.data(), b.data(), a.size()); }
#endif

// Elements at addresses of any alignment.

LUGGER_INLINE void floats_body(const uint8_t* halves, size_t count, uint8_t* out) noexcept {
  for (size_t i = 0; i < count; ++i)
    store_le(out + 4 * i, float_from_half(load_le<uint16_t>(halves + 2 * i)));
}
LUGGER_INLINE void halves_body(const uint8_t* floats, size_t count, uint8_t* out) noexcept {
  for (size_t i = 0; i < count; ++i)
    store_le(out + 2 * i, half_from_float(load_le<float>(floats + 4 * i)));
}
template <typename Element>
LUGGER_INLINE bool finite_body(const uint8_t* elements, size_t count, Element exponent) noexcept {
  Element bad = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto bits = load_le<Element>(elements + i * sizeof(Element));
    bad = static_cast<Element>(bad | ((bits & exponent) == exponent ? 1 : 0));
  }
  return bad == 0;
}

void floats_plain(const uint8_t* in, size_t count, uint8_t* out) noexcept {
  floats_body(in, count, out);
}
void halves_plain(const uint8_t* in, size_t count, uint8_t* out) noexcept {
  halves_body(in, count, out);
}
template <typename Element>
bool finite_plain(const uint8_t* in, size_t count, Element exponent) noexcept {
  return finite_body(in, count, exponent);
}

#if defined(__x86_64__)
// The processor's own conversions round the same way, but change what a NaN carries, or keep it.

LUGGER_AVX2 bool any_nan(__m256 floats) noexcept {
  return _mm256_movemask_ps(_mm256_cmp_ps(floats, floats, _CMP_UNORD_Q)) != 0;
}
LUGGER_AVX2 void floats_avx2(const uint8_t* in, size_t count, uint8_t* out) noexcept {
  constexpr size_t kAtOnce = 8;
  size_t i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce) {
    const __m256 floats =
        _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(in + 2 * i)));
    if (any_nan(floats)) [[unlikely]]
      floats_body(in + 2 * i, kAtOnce, out + 4 * i);
    else
      _mm256_storeu_ps(reinterpret_cast<float*>(out + 4 * i), floats);
  }
  floats_body(in + 2 * i, count - i, out + 4 * i);
}
LUGGER_AVX2 void halves_avx2(const uint8_t* in, size_t count, uint8_t* out) noexcept {
  constexpr size_t kAtOnce = 8;
  size_t i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce) {
    const __m256 floats = _mm256_loadu_ps(reinterpret_cast<const float*>(in + 4 * i));
    if (any_nan(floats)) [[unlikely]] {
      halves_body(in + 4 * i, kAtOnce, out + 2 * i);
      continue;
    }
    const __m128i halves = _mm256_cvtps_ph(floats, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * i), halves);
  }
  halves_body(in + 4 * i, count - i, out + 2 * i);
}
template <typename Element>
LUGGER_AVX2 bool finite_avx2(const uint8_t* in, size_t count, Element exponent) noexcept {
  return finite_body(in, count, exponent);
}
#else
constexpr auto floats_avx2 = floats_plain, halves_avx2 = halves_plain;
template <typename Element>
constexpr auto finite_avx2 = finite_plain<Element>;
constexpr bool has_avx2() noexcept { return false; }
#endif

template <typename Element>
bool finite(Bytes elements, Element exponent) noexcept {
  const auto kernel = has_avx2() ? finite_avx2<Element> : finite_plain<Element>;
  return kernel(elements.data(), elements.size() / sizeof(Element), exponent);
}

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

void floats_from_halves(Bytes halves, uint8_t* out) noexcept {
  (has_avx2() ? floats_avx2 : floats_plain)(halves.data(), halves.size() / 2, out);
}

void halves_from_floats(Bytes floats, uint8_t* out) noexcept {
  (has_avx2() ? halves_avx2 : halves_plain)(floats.data(), floats.size() / 4, out);
}

bool all_finite_floats(Bytes floats) noexcept { return finite<uint32_t>(floats, 0x7F800000); }

bool all_finite_halves(Bytes halves) noexcept { return finite<uint16_t>(halves, 0x7C00); }

void floats_from_halves(std::span<const uint16_t> in, std::span<float> out) noexcept {
  floats_from_halves({reinterpret_cast<const uint8_t*>(in.data()), in.size_bytes()},
                     reinterpret_cast<uint8_t*>(out.data()));
}

void halves_from_floats(Floats in, std::span<uint16_t> out) noexcept {
  halves_from_floats({reinterpret_cast<const uint8_t*>(in.data()), in.size_bytes()},
                     reinterpret_cast<uint8_t*>(out.data()));
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
