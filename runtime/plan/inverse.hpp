// A mapping turned around: what of a document its rows give back, known from the mapping alone.
#pragma once
#include <bit>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "plan/plan.hpp"

namespace lugger {

/// BSON types, missing and null among them.
class TypeSet {
 public:
  constexpr TypeSet() = default;
  constexpr TypeSet(std::initializer_list<ValueType> types) {
    for (const ValueType type : types) bits_ |= bit(type);
  }
  static constexpr TypeSet all() {
    TypeSet out;
    out.bits_ = (bit(ValueType::kArray) << 1) - 1;
    return out;
  }
  constexpr bool has(ValueType type) const noexcept { return (bits_ & bit(type)) != 0; }
  constexpr bool covers(TypeSet other) const noexcept { return (other.bits_ & ~bits_) == 0; }
  constexpr TypeSet without(TypeSet other) const noexcept {
    TypeSet out;
    out.bits_ = bits_ & ~other.bits_;
    return out;
  }
  constexpr TypeSet with(TypeSet other) const noexcept {
    TypeSet out;
    out.bits_ = bits_ | other.bits_;
    return out;
  }
  constexpr int size() const noexcept { return std::popcount(bits_); }

 private:
  static constexpr uint64_t bit(ValueType type) noexcept {
    return uint64_t{1} << static_cast<unsigned>(type);
  }
  uint64_t bits_ = 0;
};

/// What a column gives back.
struct ColumnInverse {
  /// kNoField: nothing of the document is in it, or another column has it.
  enum class Verdict : uint8_t { kSame, kChanged, kLost, kNoField };
  size_t table = 0, column = 0;  // of the plan; routed tables have the same columns: the first
  std::string path;              // of the document, "orders[].sku"; empty: generated
  Verdict verdict = Verdict::kSame;
  std::string words;  // "comes back as a string; null as no field"
  /// Values of these types come back as they were: missing stays missing, null stays null. Fields
  /// of documents inside jsonb are in jsonb's order.
  TypeSet exact;
};

struct MappingInverse {
  std::vector<ColumnInverse> columns;
  std::vector<std::string> notes;  // what is true of the document as a whole
  bool possible = false;
  std::string verdict;  // one sentence
};

/// has_hook: a map or filter stands in between, and may have done anything.
MappingInverse invert(const PlanShape& shape, bool has_hook);

}  // namespace lugger
