// All dot products of some rows with some queries, in float: fast, and not exact.
#pragma once
#include <cstddef>

namespace lugger {

/// out[row * queries + query]. Rows and queries lie one behind another, `n` floats each.
void rough_products(const float* rows, size_t row_count, const float* queries, size_t query_count,
                    size_t n, float* out) noexcept;

/// How far a rough product may be from the true one, for vectors of length 1.
double rough_error(size_t n) noexcept;

}  // namespace lugger
