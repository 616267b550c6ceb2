#include "value/match.hpp"

#include <algorithm>
#include <cmath>

#include "value/decimal.hpp"
#include "value/looked_into.hpp"
#include "value/match_node.hpp"

namespace lugger {

namespace {

/// Receives a value at the end of a path. by_place: an array element whose index is the last name
/// of the path. True ends the search.
template <typename See>
bool descend(const Value& value, const std::vector<std::string>& path, size_t at, Arena& arena,
             const See& see) {
  if (at == path.size()) return see(value, false);
  if (value.type == ValueType::kDocument)
    return descend(bson_field(value.bytes(), path[at]), path, at + 1, arena, see);
  if (!is_array(value.type)) return see(Value{}, false);
  for (ElementReader reader(value, arena); reader.next();) {
    const Value& element = reader.value();
    const bool document = element.type == ValueType::kDocument;
    if (document && descend(element, path, at, arena, see)) return true;
    if (reader.name() != path[at]) continue;  // an array's elements are named by their places
    const bool last = at + 1 == path.size();
    if (last && see(element, true)) return true;
    const bool inside = document || is_array(element.type);
    if (!last && inside && descend(element, path, at + 1, arena, see)) return true;
  }
  return false;
}

bool is_nan(const Value& value) noexcept {
  if (value.type == ValueType::kDouble) return std::isnan(value.f64);
  if (value.type == ValueType::kDecimal)
    return decimal_from_bson(value.data).kind == DecimalDigits::Kind::kNaN;
  return value.type == ValueType::kNumeric && value.size == 8 &&
         load_be<uint16_t>(value.data + 4) == 0xC000;
}

}  // namespace

/// An order by < or >, within one type; MinKey and MaxKey bound every other type.
bool FilterNode::compares(const Value& value, Fractions fractions) const {
  const bool less = op == FilterOp::kLess || op == FilterOp::kLessEqual;
  if (type_bracket(value.type) != type_bracket(operand.type))
    return operand.type == (less ? ValueType::kMaxKey : ValueType::kMinKey);
  const bool or_equal = op == FilterOp::kLessEqual || op == FilterOp::kGreaterEqual;
  if (is_nan(value) || is_nan(operand)) return or_equal && is_nan(value) && is_nan(operand);
  const int order = compare_values(value, operand, fractions);
  return order == 0 ? or_equal : less == (order < 0);
}

/// A pattern is found in text; and a value that is the same pattern with the same options holds too.
bool FilterNode::pattern_holds(const Value& value) const {
  if (value.type == ValueType::kRegex) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const auto& one) {
      const std::string_view text = value.text();
      return text.substr(0, text.find('\0')) == one->pattern() &&
             text.substr(text.find('\0') + 1, one->flags().size()) == one->flags() &&
             text.size() == one->pattern().size() + one->flags().size() + 2;
    });
  }
  if (value.type != ValueType::kString && value.type != ValueType::kSymbol &&
      value.type != ValueType::kPgText)
    return false;
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const auto& one) { return one->found_in(value.text()); });
}

/// For one value; an array is treated as a single value.
bool FilterNode::value_holds(const Value& value, Fractions fractions) const {
  const auto equal = [&](const Value& one) { return compare_values(value, one, fractions) == 0; };
  switch (op) {
    case FilterOp::kEqual: return equal(operand);
    case FilterOp::kIn: return std::any_of(list.begin(), list.end(), equal) || pattern_holds(value);
    case FilterOp::kRegex: return pattern_holds(value);
    case FilterOp::kType: {
      const ValueType type = is_array(value.type) ? ValueType::kArray : value.type;
      return std::find(types.begin(), types.end(), type) != types.end();
    }
    case FilterOp::kExists: return value.type != ValueType::kMissing;
    case FilterOp::kSize:
    case FilterOp::kElement: return is_array(value.type) && element_holds(value, fractions);
    case FilterOp::kMod: {
      const std::optional<int64_t> whole = truncated(value);
      return whole && (divisor == -1 ? 0 : *whole % divisor) == rest;
    }
    default: return compares(value, fractions);
  }
}

/// $size and $elemMatch ask the array as a whole.
bool FilterNode::element_holds(const Value& array, Fractions fractions) const {
  int64_t count = 0;
  Arena arena(64);
  for (ElementReader reader(array, arena); reader.next(); ++count) {
    if (op == FilterOp::kSize) continue;
    const Value element = reader.value();
    // To MongoDB an array is a document too, whose fields are named 0, 1, ...
    const bool document = element.type == ValueType::kDocument || element.type == ValueType::kArray;
    if (of_documents && !document) continue;
    const Document inner{element.data, element.size, Format::kBson, nullptr};
    const bool all = std::all_of(children.begin(), children.end(), [&](const FilterNode& child) {
      return child.holds(of_documents ? &inner : nullptr, &element, fractions, arena);
    });
    if (all) return true;
  }
  return op == FilterOp::kSize && count == operand.i64;
}

/// The value at the end of a path. For an array its elements are tested too, unless the path
/// selected it by index.
bool FilterNode::leaf_holds(const Value& value, bool by_place, Fractions fractions) const {
  const bool of_array = op == FilterOp::kSize || op == FilterOp::kElement;
  if (value_holds(value, fractions)) return true;
  if (!is_array(value.type) || of_array || by_place) return false;
  Arena arena(64);
  for (ElementReader reader(value, arena); reader.next();) {
    if (value_holds(reader.value(), fractions)) return true;
  }
  return false;
}

bool FilterNode::holds(const Document* document, const Value* element, Fractions fractions,
                       Arena& arena) const {
  const auto child_holds = [&](const FilterNode& child) {
    return child.holds(document, element, fractions, arena);
  };
  switch (op) {
    case FilterOp::kAnd: return std::all_of(children.begin(), children.end(), child_holds);
    case FilterOp::kOr: return std::any_of(children.begin(), children.end(), child_holds);
    case FilterOp::kNor: return std::none_of(children.begin(), children.end(), child_holds);
    case FilterOp::kNot: return !std::all_of(children.begin(), children.end(), child_holds);
    default: break;
  }
  if (document == nullptr || path.empty()) return value_holds(*element, fractions);
  return descend(
      document_field(*document, path.front(), Opened::kInside, arena), path, 1, arena,
      [&](const Value& value, bool by_place) { return leaf_holds(value, by_place, fractions); });
}

Filter::Filter(std::string bson) : bson_(std::move(bson)), root_(std::make_unique<FilterNode>()) {
  *root_ = parse_filter(as_bytes(bson_));
}
Filter::~Filter() = default;

bool Filter::matches(const Document& document, Arena& arena) const {
  return root_->holds(&document, nullptr, fractions_of(document), arena);
}

}  // namespace lugger
