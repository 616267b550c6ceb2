#include "value/match.hpp"

#include <algorithm>

#include "value/bson_reader.hpp"
#include "value/compare.hpp"
#include "value/match_node.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {

namespace {

bool descend(const Value& value, const std::vector<std::string>& path, size_t at, const See& see) {
  if (at == path.size()) return see(value);
  if (value.type == ValueType::kDocument)
    return descend(bson_field(value.bytes(), path[at]), path, at + 1, see);
  if (value.type != ValueType::kArray) return see(Value{});
  for (BsonReader reader(value.bytes()); reader.next();) {
    // An array's elements are named by their places.
    if (reader.name() == path[at] && descend(reader.value(), path, at + 1, see)) return true;
    if (reader.value().type == ValueType::kDocument && descend(reader.value(), path, at, see))
      return true;
  }
  return false;
}

}  // namespace

Value document_field(const Document& document, std::string_view name, Arena& arena) {
  if (document.format == Format::kBson) return bson_field(document.bytes(), name);
  for (PgRowReader reader(document, arena); reader.next();) {
    if (reader.name() == name) return reader.value();
  }
  return {};
}

bool visit_path(const Document& document, const std::vector<std::string>& path, Arena& arena,
                const See& see) {
  return descend(document_field(document, path.front(), arena), path, 1, see);
}

bool FilterNode::value_holds(const Value& value) const {
  const auto equal = [&](const Value& one) { return compare_values(value, one) == 0; };
  switch (op) {
    case FilterOp::kEqual: return equal(operand);
    case FilterOp::kIn: return std::any_of(list.begin(), list.end(), equal);
    case FilterOp::kType: return std::find(types.begin(), types.end(), value.type) != types.end();
    default: break;
  }
  if (type_bracket(value.type) != type_bracket(operand.type)) return false;
  const int order = compare_values(value, operand);
  switch (op) {
    case FilterOp::kGreater: return order > 0;
    case FilterOp::kGreaterEqual: return order >= 0;
    case FilterOp::kLess: return order < 0;
    default: return order <= 0;
  }
}

/// $size and $elemMatch ask the array as a whole.
bool FilterNode::element_holds(const Value& array) const {
  int64_t count = 0;
  Arena arena(64);
  for (BsonReader reader(array.bytes()); reader.next(); ++count) {
    if (op == FilterOp::kSize) continue;
    const Value element = reader.value();
    if (of_documents && element.type != ValueType::kDocument) continue;
    const Document inner{element.data, element.size, Format::kBson, nullptr};
    const bool all = std::all_of(children.begin(), children.end(), [&](const FilterNode& child) {
      return child.holds(of_documents ? &inner : nullptr, &element, arena);
    });
    if (all) return true;
  }
  return op == FilterOp::kSize && count == operand.i64;
}

/// The value at the end of the path; an array answers for its elements too.
bool FilterNode::leaf_holds(const Value& value) const {
  if (op == FilterOp::kExists) return value.type != ValueType::kMissing;
  if (op == FilterOp::kSize || op == FilterOp::kElement)
    return value.type == ValueType::kArray && element_holds(value);
  if (value_holds(value)) return true;
  if (value.type != ValueType::kArray) return false;
  for (BsonReader reader(value.bytes()); reader.next();) {
    if (value_holds(reader.value())) return true;
  }
  return false;
}

bool FilterNode::holds(const Document* document, const Value* element, Arena& arena) const {
  const auto child_holds = [&](const FilterNode& child) {
    return child.holds(document, element, arena);
  };
  const auto any_leaf = [&](const See& see) {
    return document == nullptr || path.empty() ? see(*element)
                                               : visit_path(*document, path, arena, see);
  };
  switch (op) {
    case FilterOp::kAnd: return std::all_of(children.begin(), children.end(), child_holds);
    case FilterOp::kOr: return std::any_of(children.begin(), children.end(), child_holds);
    case FilterOp::kNor: return std::none_of(children.begin(), children.end(), child_holds);
    case FilterOp::kNot: return !std::all_of(children.begin(), children.end(), child_holds);
    case FilterOp::kAll:
      return !list.empty() && std::all_of(list.begin(), list.end(), [&](const Value& wanted) {
        FilterNode one;
        one.op = FilterOp::kEqual;
        one.operand = wanted;
        return any_leaf([&](const Value& value) { return one.leaf_holds(value); });
      });
    default: return any_leaf([&](const Value& value) { return leaf_holds(value); });
  }
}

Filter::Filter(std::string bson) : bson_(std::move(bson)), root_(std::make_unique<FilterNode>()) {
  *root_ = parse_filter(as_bytes(bson_));
}
Filter::~Filter() = default;

bool Filter::matches(const Document& document, Arena& arena) const {
  return root_->holds(&document, nullptr, arena);
}

}  // namespace lugger
