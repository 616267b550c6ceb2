// What is worth knowing of the vectors at a path: dimensions, zeros, NaN, and which were there before.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "census/path_stats.hpp"
#include "vector/kernels.hpp"

namespace lugger {

/// A set of 64-bit hashes in 32 MB at most. When it is full, half of all hashes are given up, by
/// their highest bits; those that are kept stand for the others.
class HashSample {
 public:
  static constexpr size_t kMost = size_t{1} << 21;  // hashes

  /// How many times over this hash stands for one that was there before; 0: it was not.
  uint64_t add(uint64_t hash);
  /// The same for all hashes of another.
  uint64_t merge(const HashSample& other);
  bool exact() const noexcept { return level_ == 0; }

 private:
  bool kept(uint64_t hash) const noexcept { return level_ == 0 || hash >> (64 - level_) == 0; }
  void rebuild(size_t slots);
  void insert(uint64_t hash) noexcept;

  std::vector<uint64_t> slots_;  // open addressing; 0: free
  size_t count_ = 0;
  int level_ = 0;  // of the highest bits, so many are 0
};

/// Vectors with the same elements are duplicates, whichever type they have.
class VectorFacts {
 public:
  static constexpr size_t kExamples = 3;
  static constexpr uint64_t kMostLists = 1000;
  static constexpr size_t kLongList = 16;  // numbers: whole ones may be an embedding too

  struct Kind {
    uint64_t count = 0;
    std::vector<CensusExample> examples;
  };

  /// Calls example() for what is to be named.
  template <typename Example>
  void add(Floats vector, Example&& example) {
    ++values;
    least = std::min(least, vector.size());
    greatest = std::max(greatest, vector.size());
    const double length = norm(vector);
    if (length == 0) note(zeros, 1, example);
    if (!std::isfinite(length)) note(non_finite, 1, example);
    if (const uint64_t times = hashes_.add(hash_of(vector)); times != 0)
      note(duplicates, times, example);
  }
  void merge(const VectorFacts& other);
  void move_examples(uint64_t by) noexcept;
  /// Whether duplicates are counted, not estimated.
  bool exact() const noexcept { return hashes_.exact(); }

  /// Whether they are looked at as vectors: some are, or all are long lists of one length.
  bool are_vectors() const noexcept { return sure || (least == greatest && least >= kLongList); }
  /// So many other lists that no more of them need be looked at.
  bool are_lists() const noexcept { return !are_vectors() && values >= kMostLists; }

  bool sure = false;  // some are vectors; else all may be lists of numbers
  uint64_t values = 0;
  size_t least = SIZE_MAX, greatest = 0;  // dimensions
  Kind zeros, non_finite, duplicates;

 private:
  static uint64_t hash_of(Floats vector) noexcept;
  template <typename Example>
  static void note(Kind& kind, uint64_t times, Example&& example) {
    kind.count += times;
    if (kind.examples.size() < kExamples) kind.examples.push_back(example());
  }

  HashSample hashes_;
};

/// Whether a value is looked at as a vector: of a type for vectors, or a list of at least eight
/// numbers, one of which has a fraction.
bool may_be_vector(const Value& value) noexcept;

}  // namespace lugger
