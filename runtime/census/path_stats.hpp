// Everything that is counted of the values of one path.
#pragma once
#include "census/sketches.hpp"
#include "census/text_looks.hpp"
#include "plan/infer.hpp"

namespace lugger {

/// A document to look at: its number from 0, and its _id as canonical text ("" without one).
struct CensusExample {
  uint64_t document = 0;
  std::string id;
};

/// Lengths of texts (bytes), binaries (bytes) or arrays (elements).
struct Lengths {
  uint64_t least = UINT64_MAX, greatest = 0, total = 0, count = 0, empty = 0;

  void add(uint64_t length) noexcept {
    least = std::min(least, length);
    greatest = std::max(greatest, length);
    total += length;
    ++count;
    empty += length == 0 ? 1 : 0;
  }
  void merge(const Lengths& other) noexcept;
  double mean() const noexcept {
    return count == 0 ? 0 : static_cast<double>(total) / static_cast<double>(count);
  }
};

struct DoubleFacts {
  double least = std::numeric_limits<double>::infinity();
  double greatest = -std::numeric_limits<double>::infinity();
  uint64_t finite = 0, whole = 0, nan = 0, infinite = 0;
  uint64_t looked_at = 0;  // of these the digits were counted
  Digits digits;

  void merge(const DoubleFacts& other) noexcept;
};

/// decimal128 and numeric. Ordered by the nearest double; the texts are exact.
struct DecimalFacts {
  double least = std::numeric_limits<double>::infinity();
  double greatest = -std::numeric_limits<double>::infinity();
  std::string least_text, greatest_text;
  uint64_t finite = 0, special = 0;  // special: NaN and infinities
  Digits digits;

  void merge(const DecimalFacts& other);
};

struct DateFacts {
  int64_t least = INT64_MAX, greatest = INT64_MIN;  // Unix milliseconds
  uint64_t outside = 0;                             // of PostgreSQL's timestamps

  void merge(const DateFacts& other) noexcept;
};

struct TextFacts {
  Lengths lengths;
  uint64_t with_nul = 0, bad_utf8 = 0;
  TextLooks looks;
  CensusExample nul_example, utf8_example;

  void merge(const TextFacts& other);
};

/// What adding a value may need, one a worker.
struct CensusScratch {
  TextProbe probe;
  DecimalDigits digits;
};

class PathStats {
 public:
  static constexpr uint64_t kExamples = 3;
  // The first values of a type may be elements of one document: so many are looked at for three.
  static constexpr uint64_t kLookForExamples = 64;
  static constexpr size_t kKeyHashes = 256, kIdHashes = 4096;

  explicit PathStats(bool is_id) : keys(is_id ? kIdHashes : kKeyHashes), is_id_(is_id) {}

  static constexpr uint8_t kTypeExample = 1, kNulExample = 2, kUtf8Example = 4;

  /// Which examples the caller should give: this is one of the first values of its type, the first
  /// text with NUL, the first that is not UTF-8. The lengths of arrays are the caller's to add.
  uint8_t add(const Value& value, CensusScratch& scratch);
  void add_example(ValueType type, CensusExample example);
  void merge(const PathStats& other);

  FieldFacts facts;
  uint64_t beyond_double = 0;  // integers that a double cannot hold
  DoubleFacts doubles;
  DecimalFacts decimals;
  DateFacts dates;
  TextFacts text;
  Lengths binaries;
  std::vector<std::pair<uint16_t, uint64_t>> subtypes;
  Lengths arrays;
  DistinctSketch distinct;
  TopValues top;
  SmallestHashes keys;
  std::vector<std::pair<ValueType, CensusExample>> examples;

 private:
  void add_double(double value, CensusScratch& scratch);
  void add_decimal(const Value& value, CensusScratch& scratch);
  void add_date(int64_t ms) noexcept;
  void add_text(const Value& value, CensusScratch& scratch);
  void add_binary(const Value& value);
  void add_kind(const Value& value, CensusScratch& scratch);
  bool is_id_;
  std::array<uint64_t, 16> recent_{};  // hashes that the sets above need not be shown again
};

}  // namespace lugger
