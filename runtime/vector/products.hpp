// All dot products of some rows with some queries, in float: fast, and not exact.
#pragma once
#include <cstddef>
#include <cstdint>

namespace lugger {

/// out[row * queries + query]. Rows and queries lie one behind another, `n` floats each.
void rough_products(const float* rows, size_t row_count, const float* queries, size_t query_count,
                    size_t n, float* out) noexcept;

/// What the product of each query must reach: base + slope * length of the row + extra.
struct ProductFloors {
  const double *base, *slope;
  size_t count;
};
/// Writes the numbers of the queries whose product is not below; so is NaN, on either side. `out`
/// has room for all.
size_t products_not_below(const ProductFloors& floors, const float* products, double length,
                          double extra, uint32_t* out) noexcept;

/// The instructions that this processor computes them with.
const char* products_kernel() noexcept;

/// How far a rough product may be from the true one, for vectors of length 1.
double rough_error(size_t n) noexcept;

}  // namespace lugger
