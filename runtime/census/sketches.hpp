// Statistics of fixed size over any number of values: how many are distinct, which are frequent,
// which have the smallest hashes. Each can be merged with another of its kind.
#pragma once
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "value/value.hpp"

namespace lugger {

/// How many distinct hashes were added: HyperLogLog (Flajolet, Fusy, Gandouet, Meunier 2007) with
/// 2^11 registers, read by Ertl's improved estimator (arXiv:1702.01284, algorithm 6), which has no
/// bias at any size. Standard error 1.04 / sqrt(2^11) = 2.3 %. Up to kExact hashes are kept as they
/// are, so small answers are exact.
class DistinctSketch {
 public:
  static constexpr int kBits = 11;
  static constexpr size_t kExact = 64;
  static constexpr double kError = 0.023;

  void add(uint64_t hash) {
    if (registers_) {
      raise(hash);
    } else {
      add_exact(hash);
    }
  }
  void merge(const DistinctSketch& other);
  double estimate() const noexcept;
  bool exact() const noexcept { return !registers_; }

 private:
  void raise(uint64_t hash) noexcept {
    const size_t index = hash >> (64 - kBits);
    const auto rank = static_cast<uint8_t>(std::countl_zero((hash << kBits) | kGuard) + 1);
    if (rank > (*registers_)[index]) (*registers_)[index] = rank;
  }
  void add_exact(uint64_t hash);

  static constexpr uint64_t kGuard = uint64_t{1} << (kBits - 1);
  using Registers = std::array<uint8_t, size_t{1} << kBits>;
  std::vector<uint64_t> hashes_;  // sorted
  std::unique_ptr<Registers> registers_;
};

/// The frequent values of a stream: Misra-Gries counters in a hash table that is purged by its
/// median when full (Anderson et al., "A High-Performance Algorithm for Identifying Frequent Items
/// in Data Streams", 2017). A value that was seen n times is listed with a count from n - error()
/// to n; one seen more often than error() is surely listed.
class TopValues {
 public:
  static constexpr size_t kCounters = 96;
  static constexpr size_t kKeptBytes = 40;

  struct Entry {
    uint64_t hash = 0, count = 0;
    ValueType type = ValueType::kMissing;
    uint16_t aux = 0;
    uint32_t size = 0;  // of the value; its first kKeptBytes bytes are kept
    std::array<uint8_t, kKeptBytes> bytes{};
  };

  void add(uint64_t hash, const Value& value, uint64_t times = 1) {
    if (slots_.empty()) slots_.assign(kFirstSlots, 0);
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      const uint16_t slot = slots_[at];
      if (slot == 0) return insert(hash, value, times);
      if (counters_[slot - 1].hash == hash) {
        counters_[slot - 1].count += times;
        return;
      }
    }
  }
  void merge(const TopValues& other);
  /// Most frequent first; what stands out least is left out.
  std::vector<Entry> top(size_t most) const;
  uint64_t error() const noexcept { return error_; }

 private:
  struct Counter {
    uint64_t hash, count;
  };
  struct Kept {
    ValueType type;
    uint16_t aux;
    uint32_t size;
    std::array<uint8_t, kKeptBytes> bytes;
  };
  static constexpr size_t kFirstSlots = 16, kMostSlots = 256;

  void insert(uint64_t hash, const Value& value, uint64_t times);
  void append(uint64_t hash, const Kept& kept, uint64_t times);
  void place(uint64_t hash, size_t counter) noexcept;
  void rebuild(size_t slots);
  void purge();

  std::vector<uint16_t> slots_;  // open addressing: 1 + place in counters_, 0 is free
  std::vector<Counter> counters_;
  std::vector<Kept> kept_;  // beside counters_
  uint64_t error_ = 0;
};

/// The k smallest of all hashes (Cohen 1997). Two of them tell how much of one set lies in the
/// other: below the larger sketch's greatest hash its set is known completely.
class SmallestHashes {
 public:
  explicit SmallestHashes(size_t k) : k_(k) {}
  void add(uint64_t hash) {
    if (hash >= limit_) return;
    insert(hash);
  }
  void merge(const SmallestHashes& other);
  const std::vector<uint64_t>& hashes() const noexcept { return hashes_; }
  bool complete() const noexcept { return limit_ == UINT64_MAX; }
  /// Of this sketch's hashes that `all` could know, how many it does know.
  struct Overlap {
    uint64_t looked_at = 0, found = 0;
  };
  Overlap within(const SmallestHashes& all) const noexcept;

 private:
  void insert(uint64_t hash);
  size_t k_;
  uint64_t limit_ = UINT64_MAX;   // hashes from here on are not among the k smallest
  std::vector<uint64_t> hashes_;  // sorted
};

/// A value's hash: equal for what MongoDB compares equal. Numbers are one type, and 24 hex digits
/// are the ObjectId they spell, so that a reference stored as text is found.
uint64_t value_hash(const Value& value);
uint64_t name_hash(std::string_view name) noexcept;

}  // namespace lugger
