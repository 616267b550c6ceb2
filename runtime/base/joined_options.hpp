// Options that several kinds of places share, and those of one.
#pragma once
#include <array>

#include "base/options.hpp"

namespace lugger {

template <size_t A, size_t B>
constexpr std::array<OptionSpec, A + B> joined_options(const std::array<OptionSpec, A>& a,
                                                       const std::array<OptionSpec, B>& b) {
  std::array<OptionSpec, A + B> out{};
  for (size_t i = 0; i < A; ++i) out[i] = a[i];
  for (size_t i = 0; i < B; ++i) out[A + i] = b[i];
  return out;
}

}  // namespace lugger
