#include "vector/products.hpp"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#define LUGGER_FMA [[gnu::target("avx2,fma")]]
#define LUGGER_AVX512 [[gnu::target("avx512f")]]
#endif
#define LUGGER_INLINE [[gnu::always_inline]] inline

namespace lugger {

namespace {

struct Rows {
  const float* data;
  size_t count, n;
};

constexpr size_t kStep = 512;     // dimensions at once: a tile's numbers stay in the fastest cache
constexpr size_t kMostRows = 48;  // whose sums are kept between steps

template <size_t W, typename Vector>
LUGGER_INLINE float total(const Vector& lanes) noexcept {
  if constexpr (W == 2) {
    return lanes[0] + lanes[1];
  } else {
    typedef float Half __attribute__((vector_size(W / 2 * sizeof(float))));
    Half low, high;
    std::memcpy(&low, &lanes, sizeof low);
    std::memcpy(&high, reinterpret_cast<const char*>(&lanes) + sizeof low, sizeof high);
    return total<W / 2>(low + high);
  }
}

/// R rows and Q queries at once: each number that is loaded is used R or Q times. The sums stay in
/// registers, which is what R, Q and the width W are chosen for.
template <size_t W, size_t R, size_t Q>
struct Tile {
  typedef float Lanes __attribute__((vector_size(W * sizeof(float))));

  /// Dimensions from..to are added to `sums`; `first`: they hold nothing yet.
  LUGGER_INLINE static void add(const float* rows, const float* queries, size_t n, size_t from,
                                size_t to, bool first, Lanes* sums) noexcept {
    Lanes found[R][Q];
#pragma GCC unroll 32
    for (size_t i = 0; i < R * Q; ++i) found[i / Q][i % Q] = first ? Lanes{} : sums[i];
    for (size_t i = from; i < to; i += W) {
      Lanes row[R];
#pragma GCC unroll 8
      for (size_t r = 0; r < R; ++r) std::memcpy(&row[r], rows + r * n + i, sizeof(Lanes));
#pragma GCC unroll 8
      for (size_t q = 0; q < Q; ++q) {
        Lanes query;
        std::memcpy(&query, queries + q * n + i, sizeof(Lanes));
#pragma GCC unroll 8
        for (size_t r = 0; r < R; ++r) found[r][q] += row[r] * query;
      }
    }
#pragma GCC unroll 32
    for (size_t i = 0; i < R * Q; ++i) sums[i] = found[i / Q][i % Q];
  }
  /// What is left behind the last whole step of W is added one by one.
  LUGGER_INLINE static void finish(const float* rows, const float* queries, size_t n, size_t whole,
                                   const Lanes* sums, float* out, size_t stride) noexcept {
    for (size_t r = 0; r < R; ++r) {
      for (size_t q = 0; q < Q; ++q) {
        float sum = total<W>(sums[r * Q + q]);
        for (size_t rest = whole; rest < n; ++rest)
          sum += rows[r * n + rest] * queries[q * n + rest];
        out[r * stride + q] = sum;
      }
    }
  }
};

/// Some rows, at most kMostRows, with Q queries: in tiles of R rows, what is left over one by one.
template <size_t W, size_t R, size_t Q>
LUGGER_INLINE void strip(Rows rows, const float* queries, float* out, size_t stride) noexcept {
  using Many = Tile<W, R, Q>;
  using One = Tile<W, 1, Q>;
  alignas(64) typename Many::Lanes sums[kMostRows * Q];
  const size_t n = rows.n, whole = n / W * W, tiled = rows.count / R * R;
  for (size_t from = 0; from < whole; from += kStep) {
    const size_t to = std::min(from + kStep, whole);
    for (size_t r = 0; r < tiled; r += R)
      Many::add(rows.data + r * n, queries, n, from, to, from == 0, sums + r * Q);
    for (size_t r = tiled; r < rows.count; ++r)
      One::add(rows.data + r * n, queries, n, from, to, from == 0, sums + r * Q);
  }
  if (whole == 0) std::memset(sums, 0, sizeof sums);
  for (size_t r = 0; r < tiled; r += R)
    Many::finish(rows.data + r * n, queries, n, whole, sums + r * Q, out + r * stride, stride);
  for (size_t r = tiled; r < rows.count; ++r)
    One::finish(rows.data + r * n, queries, n, whole, sums + r * Q, out + r * stride, stride);
}

/// The last queries, fewer than Q.
template <size_t W, size_t R, size_t Q>
LUGGER_INLINE void last_strip(Rows rows, const float* queries, size_t count, float* out,
                              size_t stride) noexcept {
  if constexpr (Q > 1) {
    if (count == Q - 1) return strip<W, R, Q - 1>(rows, queries, out, stride);
    last_strip<W, R, Q - 1>(rows, queries, count, out, stride);
  }
}

template <size_t W, size_t R, size_t Q>
LUGGER_INLINE void all(Rows rows, Rows queries, float* out) noexcept {
  const size_t n = rows.n, stride = queries.count;
  for (size_t r = 0; r < rows.count; r += kMostRows) {
    const Rows some{rows.data + r * n, std::min(kMostRows, rows.count - r), n};
    float* const to = out + r * stride;
    size_t q = 0;
    for (; q + Q <= queries.count; q += Q)
      strip<W, R, Q>(some, queries.data + q * n, to + q, stride);
    last_strip<W, R, Q>(some, queries.data + q * n, queries.count - q, to + q, stride);
  }
}

/// Eight at once, which the compiler turns into comparisons of vectors.
LUGGER_INLINE size_t not_below(const ProductFloors& floors, const float* products, double length,
                               double extra, uint32_t* out) noexcept {
  constexpr size_t kAtOnce = 8;
  typedef double Doubles __attribute__((vector_size(kAtOnce * sizeof(double))));
  typedef float Singles __attribute__((vector_size(kAtOnce * sizeof(float))));
  typedef int64_t Flags __attribute__((vector_size(kAtOnce * sizeof(int64_t))));
  size_t found = 0, i = 0;
  for (; i + kAtOnce <= floors.count; i += kAtOnce) {
    Doubles base, slope;
    Singles product;
    std::memcpy(&base, floors.base + i, sizeof base);
    std::memcpy(&slope, floors.slope + i, sizeof slope);
    std::memcpy(&product, products + i, sizeof product);
    const Flags below = __builtin_convertvector(product, Doubles) < base + slope * length + extra;
    int64_t all = -1;
    for (size_t lane = 0; lane < kAtOnce; ++lane) all &= below[lane];
    if (all != 0) [[likely]]
      continue;
    for (size_t lane = 0; lane < kAtOnce; ++lane)
      if (below[lane] == 0) out[found++] = static_cast<uint32_t>(i + lane);
  }
  for (; i < floors.count; ++i)
    if (!(static_cast<double>(products[i]) < floors.base[i] + floors.slope[i] * length + extra))
      out[found++] = static_cast<uint32_t>(i);
  return found;
}

struct Kernel {
  void (*all)(Rows, Rows, float*) noexcept;
  size_t (*not_below)(const ProductFloors&, const float*, double, double, uint32_t*) noexcept;
  const char* name;
};

void all_plain(Rows rows, Rows queries, float* out) noexcept { all<4, 3, 4>(rows, queries, out); }
size_t not_below_plain(const ProductFloors& floors, const float* products, double length,
                       double extra, uint32_t* out) noexcept {
  return not_below(floors, products, length, extra, out);
}
#if defined(__x86_64__)
LUGGER_FMA void all_fma(Rows rows, Rows queries, float* out) noexcept {
  all<8, 3, 4>(rows, queries, out);
}
LUGGER_FMA size_t not_below_fma(const ProductFloors& floors, const float* products, double length,
                                double extra, uint32_t* out) noexcept {
  return not_below(floors, products, length, extra, out);
}
LUGGER_AVX512 void all_avx512(Rows rows, Rows queries, float* out) noexcept {
  all<16, 4, 6>(rows, queries, out);
}
LUGGER_AVX512 size_t not_below_avx512(const ProductFloors& floors, const float* products,
                                      double length, double extra, uint32_t* out) noexcept {
  return not_below(floors, products, length, extra, out);
}
#endif

Kernel kernel() noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {all_avx512, not_below_avx512, "AVX-512"};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {all_fma, not_below_fma, "AVX2"};
#endif
  return {all_plain, not_below_plain, "of any processor"};
}

}  // namespace

void rough_products(const float* rows, size_t row_count, const float* queries, size_t query_count,
                    size_t n, float* out) noexcept {
  kernel().all({rows, row_count, n}, {queries, query_count, n}, out);
}

size_t products_not_below(const ProductFloors& floors, const float* products, double length,
                          double extra, uint32_t* out) noexcept {
  return kernel().not_below(floors, products, length, extra, out);
}

const char* products_kernel() noexcept { return kernel().name; }

// Each addition and each product rounds by at most 2^-24 of its value (Higham, Accuracy and
// Stability of Numerical Algorithms, section 3.1). A lane sums at most n / 4 + 1 products here, and
// then at most 16 lanes and 15 others.
double rough_error(size_t n) noexcept {
  const double steps = static_cast<double>(n) / 4 + 40;
  return 1.01 * steps * 0x1p-24;
}

}  // namespace lugger
