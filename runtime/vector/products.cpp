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

/// R rows and Q queries at once: each number that is loaded is used R or Q times. The sums stay in
/// registers, which is what R, Q and the width W are chosen for.
template <size_t W, size_t R, size_t Q>
LUGGER_INLINE void tile(const float* rows, const float* queries, size_t n, float* out,
                        size_t stride) noexcept {
  typedef float Lanes __attribute__((vector_size(W * sizeof(float))));
  Lanes sums[R][Q] = {};
  size_t i = 0;
  for (; i + W <= n; i += W) {
    Lanes row[R];
    for (size_t r = 0; r < R; ++r) std::memcpy(&row[r], rows + r * n + i, sizeof(Lanes));
    for (size_t q = 0; q < Q; ++q) {
      Lanes query;
      std::memcpy(&query, queries + q * n + i, sizeof(Lanes));
      for (size_t r = 0; r < R; ++r) sums[r][q] += row[r] * query;
    }
  }
  for (size_t r = 0; r < R; ++r) {
    for (size_t q = 0; q < Q; ++q) {
      float sum = 0;
      for (size_t lane = 0; lane < W; ++lane) sum += sums[r][q][lane];
      for (size_t rest = i; rest < n; ++rest) sum += rows[r * n + rest] * queries[q * n + rest];
      out[r * stride + q] = sum;
    }
  }
}

/// The rows in tiles of R for each Q queries; what is left over, one by one.
template <size_t W, size_t R, size_t Q>
LUGGER_INLINE void all(Rows rows, Rows queries, float* out) noexcept {
  const size_t n = rows.n, stride = queries.count;
  size_t q = 0;
  for (; q + Q <= queries.count; q += Q) {
    size_t r = 0;
    for (; r + R <= rows.count; r += R)
      tile<W, R, Q>(rows.data + r * n, queries.data + q * n, n, out + r * stride + q, stride);
    for (; r < rows.count; ++r)
      tile<W, 1, Q>(rows.data + r * n, queries.data + q * n, n, out + r * stride + q, stride);
  }
  for (; q < queries.count; ++q)
    for (size_t r = 0; r < rows.count; ++r)
      tile<W, 1, 1>(rows.data + r * n, queries.data + q * n, n, out + r * stride + q, stride);
}

void all_plain(Rows rows, Rows queries, float* out) noexcept { all<4, 3, 4>(rows, queries, out); }
#if defined(__x86_64__)
LUGGER_FMA void all_fma(Rows rows, Rows queries, float* out) noexcept {
  all<8, 3, 4>(rows, queries, out);
}
LUGGER_AVX512 void all_avx512(Rows rows, Rows queries, float* out) noexcept {
  all<16, 4, 6>(rows, queries, out);
}
#endif

void all(Rows rows, Rows queries, float* out) noexcept {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return all_avx512(rows, queries, out);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return all_fma(rows, queries, out);
#endif
  all_plain(rows, queries, out);
}

}  // namespace

void rough_products(const float* rows, size_t row_count, const float* queries, size_t query_count,
                    size_t n, float* out) noexcept {
  all({rows, row_count, n}, {queries, query_count, n}, out);
}

// Each addition and each product rounds by at most 2^-24 of its value (Higham, Accuracy and
// Stability of Numerical Algorithms, section 3.1). A lane sums at most n / 4 + 1 products here, and
// then at most 16 lanes and 15 others.
double rough_error(size_t n) noexcept {
  const double steps = static_cast<double>(n) / 4 + 40;
  return 1.01 * steps * 0x1p-24;
}

}  // namespace lugger
