#include "verify/sample.hpp"

#include <cmath>

#include "base/error.hpp"

namespace lugger {

namespace {

constexpr double kUsualConfidence = 0.99;
constexpr double kShare = 0.001;  // the share of wrong rows that a confidence refers to

std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number), out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

/// Rounded up to two digits, because the statement must be proved.
double rounded_up(double number) {
  const double unit = std::pow(10, std::floor(std::log10(number)) - 1);
  return std::ceil(number / unit - 1e-9) * unit;
}

}  // namespace

uint64_t sample_rows(double wanted) {
  if (!(wanted > 0) || !std::isfinite(wanted)) {
    throw Error(Code::kConfig, "--sample takes a number of rows, or a confidence between 0 and 1",
                "--sample 10000, or --sample 0.99");
  }
  if (wanted >= 1) return static_cast<uint64_t>(wanted);
  return static_cast<uint64_t>(std::ceil(std::log1p(-wanted) / std::log1p(-kShare)));
}

double ruled_out_share(uint64_t rows, double confidence) {
  if (rows == 0) return 1;
  return -std::expm1(std::log1p(-confidence) / static_cast<double>(rows));
}

std::string sample_words(uint64_t rows, uint64_t all, uint64_t wrong, double wanted) {
  const double confidence = wanted < 1 ? wanted : kUsualConfidence;
  if (wrong != 0)
    return fmt::format("{} of {} rows that were looked at are wrong; {} rows in all",
                       grouped(wrong), grouped(rows), grouped(all));
  if (rows >= all) return fmt::format("all {} rows equal", grouped(all));
  return fmt::format(
      "{} of {} rows equal: with {:.6g} % confidence fewer than {:.6g} % of all differ",
      grouped(rows), grouped(all), confidence * 100,
      rounded_up(ruled_out_share(rows, confidence) * 100));
}

}  // namespace lugger
