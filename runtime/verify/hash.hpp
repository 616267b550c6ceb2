// 128-bit digests (XXH3) and their sums. A sum does not depend on the order of its terms.
#pragma once
#include <xxhash.h>

#include <compare>
#include <cstdint>

#include "base/bytes.hpp"

namespace lugger {

struct Digest {
  uint64_t lo = 0, hi = 0;

  auto operator<=>(const Digest&) const = default;
  /// Addition modulo 2^128.
  Digest& operator+=(const Digest& other) noexcept {
    lo += other.lo;
    hi += other.hi + (lo < other.lo ? 1 : 0);
    return *this;
  }
};

inline Digest digest_bytes(Bytes bytes, uint64_t seed) noexcept {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.low64, hash.high64};
}

}  // namespace lugger
