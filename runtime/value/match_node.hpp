// The parts of a filter: what match_parse.cpp makes of a query, and match.cpp asks of documents.
#pragma once
#include <optional>

#include "base/regex.hpp"
#include "value/compare.hpp"
#include "value/match.hpp"

namespace lugger {

enum class FilterOp : uint8_t {
  kAnd,
  kOr,
  kNor,
  kNot,
  kEqual,
  kNotEqual,  // only while parsing: it becomes kNot of kEqual, as kNotIn of kIn
  kGreater,
  kGreaterEqual,
  kLess,
  kLessEqual,
  kIn,
  kNotIn,
  kExists,
  kType,
  kSize,
  kMod,
  kAll,  // only while parsing: it becomes kAnd
  kElement,
  kRegex,
  kOptions,  // only while parsing: it belongs to kRegex
};

struct FilterNode {
  FilterOp op = FilterOp::kAnd;
  std::vector<std::string> path;  // empty: an element of an array is asked itself
  Value operand;
  std::vector<Value> list;                       // $in
  std::vector<std::unique_ptr<Regex>> patterns;  // $regex: one; $in: those among its values
  int64_t divisor = 0, rest = 0;                 // $mod
  std::vector<ValueType> types;                  // $type
  std::vector<FilterNode> children;              // $and, $or, $nor, $not, $elemMatch
  bool of_documents = false;                     // $elemMatch: a query over elements, not operators

  /// Tests the document, or the element if the path is empty.
  bool holds(const Document* document, const Value* element, Fractions fractions,
             Arena& arena) const;

 private:
  bool value_holds(const Value& value, Fractions fractions) const;
  bool pattern_holds(const Value& value) const;
  bool compares(const Value& value, Fractions fractions) const;
  bool leaf_holds(const Value& value, bool by_place, Fractions fractions) const;
  bool element_holds(const Value& array, Fractions fractions) const;
};

/// A number without its fraction, toward zero; nullopt: no number, or no int64.
std::optional<int64_t> truncated(const Value& value);

/// The conditions of a query document.
FilterNode parse_filter(Bytes bson);

}  // namespace lugger
