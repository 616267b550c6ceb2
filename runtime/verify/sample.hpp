// What a sample proves. With n rows drawn at random and none of them wrong, the share of wrong rows
// is below p with confidence c where (1 - p)^n = 1 - c: were it p or more, n right ones in a row
// would be that unlikely.
#pragma once
#include <cstdint>
#include <string>

namespace lugger {

/// `wanted` below 1 is a confidence, which is held against a share of 0.1 %; from 1 on a number of
/// rows. Error{config} for a negative one.
uint64_t sample_rows(double wanted);

/// The share of wrong rows that n right ones rule out with this confidence.
double ruled_out_share(uint64_t rows, double confidence);

/// "12,000 of 1,000,000 rows equal: with 99 % confidence fewer than 0.0384 % of all differ".
/// `wrong`: of the rows looked at.
std::string sample_words(uint64_t rows, uint64_t all, uint64_t wrong, double wanted);

}  // namespace lugger
