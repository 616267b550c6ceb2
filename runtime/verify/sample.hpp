// What a sample proves. When n random rows are all right, the share p of wrong rows is below the
// bound where (1 - p)^n = 1 - c, with confidence c: with a larger share, n right rows would be less
// likely than 1 - c.
#pragma once
#include <cstdint>
#include <string>

namespace lugger {

/// `wanted` below 1 is a confidence that fewer than 0.1 % of the rows are wrong; from 1 on it is a
/// number of rows. Error{config} for a negative number.
uint64_t sample_rows(double wanted);

/// The share of wrong rows that n right rows rule out with this confidence.
double ruled_out_share(uint64_t rows, double confidence);

/// "12,000 of 1,000,000 rows equal: with 99 % confidence fewer than 0.0384 % of all differ".
/// `wrong`: the number of wrong rows in the sample.
std::string sample_words(uint64_t rows, uint64_t all, uint64_t wrong, double wanted);

}  // namespace lugger
