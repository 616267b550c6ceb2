// Counts and sums of rows by bucket: two sides with equal sums hold equal rows. The size is fixed,
// independent of the size of the tables.
#pragma once
#include <vector>

#include "verify/hash.hpp"

namespace lugger {

inline constexpr size_t kBuckets = 1 << 14;

/// All rows of a document are in one bucket, in whichever table.
inline size_t bucket_of(const Digest& root) noexcept { return root.hi >> (64 - 14); }

struct Bucket {
  uint64_t rows = 0;
  Digest sum;

  bool operator==(const Bucket&) const = default;
};

class BucketSums {
 public:
  BucketSums() : buckets_(kBuckets) {}
  void add(const Digest& root, const Digest& row) noexcept {
    Bucket& bucket = buckets_[bucket_of(root)];
    ++bucket.rows;
    bucket.sum += row;
  }
  BucketSums& operator+=(const BucketSums& other) noexcept {
    for (size_t i = 0; i < kBuckets; ++i) {
      buckets_[i].rows += other.buckets_[i].rows;
      buckets_[i].sum += other.buckets_[i].sum;
    }
    return *this;
  }
  const Bucket& operator[](size_t i) const noexcept { return buckets_[i]; }
  uint64_t rows() const noexcept {
    uint64_t out = 0;
    for (const Bucket& bucket : buckets_) out += bucket.rows;
    return out;
  }
  Digest sum() const noexcept {
    Digest out;
    for (const Bucket& bucket : buckets_) out += bucket.sum;
    return out;
  }

 private:
  std::vector<Bucket> buckets_;
};

}  // namespace lugger
