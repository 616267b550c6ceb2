// The parts of a filter: what match_parse.cpp makes of a query, and match.cpp asks of documents.
#pragma once
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
  kAll,
  kElement,
};

struct FilterNode {
  FilterOp op = FilterOp::kAnd;
  std::vector<std::string> path;  // empty: an element of an array is asked itself
  Value operand;
  std::vector<Value> list;           // $in, $all
  std::vector<ValueType> types;      // $type
  std::vector<FilterNode> children;  // $and, $or, $nor, $not, $elemMatch
  bool of_documents = false;         // $elemMatch: a query over elements, not operators

  /// Of the document, or, where the path is empty, of the element.
  bool holds(const Document* document, const Value* element, Arena& arena) const;

 private:
  bool value_holds(const Value& value) const;
  bool leaf_holds(const Value& value) const;
  bool element_holds(const Value& array) const;
};

/// The conditions of a query document.
FilterNode parse_filter(Bytes bson);

}  // namespace lugger
