#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "value/bson_reader.hpp"
#include "value/compare.hpp"
#include "value/match_node.hpp"
#include "value/path.hpp"

namespace lugger {

namespace {

struct Known {
  std::string_view name;
  FilterOp op;
};
constexpr Known kOperators[] = {
    {"$and", FilterOp::kAnd},
    {"$or", FilterOp::kOr},
    {"$nor", FilterOp::kNor},
    {"$not", FilterOp::kNot},
    {"$eq", FilterOp::kEqual},
    {"$ne", FilterOp::kNotEqual},
    {"$gt", FilterOp::kGreater},
    {"$gte", FilterOp::kGreaterEqual},
    {"$lt", FilterOp::kLess},
    {"$lte", FilterOp::kLessEqual},
    {"$in", FilterOp::kIn},
    {"$nin", FilterOp::kNotIn},
    {"$exists", FilterOp::kExists},
    {"$type", FilterOp::kType},
    {"$size", FilterOp::kSize},
    {"$all", FilterOp::kAll},
    {"$elemMatch", FilterOp::kElement},
};

[[noreturn]] void unknown_operator(std::string_view name) {
  const std::vector<std::string_view>& names = filter_operators();
  const std::string_view near = nearest(name, names);
  std::string hint = "it knows";
  for (const std::string_view word : names) hint += " " + std::string(word);
  if (name == "$regex" || name == "$where" || name == "$expr") {
    hint = "ask Lua instead: find{}:where(function(doc) return ... end)";
  } else if (!near.empty()) {
    hint = fmt::format("did you mean {}?", near);
  }
  throw Error(Code::kConfig, fmt::format("find does not know the operator {}", name), hint);
}

FilterOp operator_named(std::string_view name) {
  for (const Known& known : kOperators) {
    if (known.name == name) return known.op;
  }
  unknown_operator(name);
}

// BSON's number of a type, and the words that lugger and MongoDB have for it.
struct TypeName {
  int number;
  ValueType type;
  std::string_view word, mongo;
};
constexpr TypeName kTypes[] = {
    {1, ValueType::kDouble, "double", "double"},
    {2, ValueType::kString, "string", "string"},
    {3, ValueType::kDocument, "document", "object"},
    {4, ValueType::kArray, "array", "array"},
    {5, ValueType::kBinary, "binary", "binData"},
    {6, ValueType::kUndefined, "undefined", "undefined"},
    {7, ValueType::kObjectId, "objectid", "objectId"},
    {8, ValueType::kBool, "boolean", "bool"},
    {9, ValueType::kDate, "date", "date"},
    {10, ValueType::kNull, "null", "null"},
    {11, ValueType::kRegex, "regex", "regex"},
    {12, ValueType::kDbPointer, "dbPointer", "dbPointer"},
    {13, ValueType::kCode, "code", "javascript"},
    {14, ValueType::kSymbol, "symbol", "symbol"},
    {15, ValueType::kCodeWithScope, "codeWithScope", "javascriptWithScope"},
    {16, ValueType::kInt32, "int32", "int"},
    {17, ValueType::kTimestamp, "timestamp", "timestamp"},
    {18, ValueType::kInt64, "int64", "long"},
    {19, ValueType::kDecimal, "decimal", "decimal"},
    {-1, ValueType::kMinKey, "minKey", "minKey"},
    {127, ValueType::kMaxKey, "maxKey", "maxKey"},
};

std::optional<int64_t> whole_number(const Value& value) {
  if (value.type == ValueType::kInt32 || value.type == ValueType::kInt64) return value.i64;
  constexpr double kExact = 9007199254740992.0;
  if (value.type == ValueType::kDouble && value.f64 >= -kExact && value.f64 <= kExact &&
      value.f64 == static_cast<double>(static_cast<int64_t>(value.f64)))
    return static_cast<int64_t>(value.f64);
  return std::nullopt;
}

void add_types(const Value& value, std::vector<ValueType>& out) {
  if (value.type == ValueType::kArray) {
    for (BsonReader reader(value.bytes()); reader.next();) add_types(reader.value(), out);
    return;
  }
  const auto number = whole_number(value);
  const std::string_view word = value.type == ValueType::kString ? value.text() : "";
  if (word == "number") {
    out.insert(out.end(), {ValueType::kInt32, ValueType::kInt64, ValueType::kDouble,
                           ValueType::kDecimal, ValueType::kNumeric});
    return;
  }
  for (const TypeName& known : kTypes) {
    if (number ? known.number == *number : known.word == word || known.mongo == word) {
      out.push_back(known.type);
      return;
    }
  }
  throw Error(Code::kConfig,
              number ? fmt::format("$type: there is no type {}", *number)
                     : fmt::format("$type: there is no type \"{}\"", word),
              "it takes int, long, double, decimal, number, string, date, objectId, object, array, "
              "bool, null, binData, ...");
}

bool begins_with_operator(const Value& value) {
  if (value.type != ValueType::kDocument) return false;
  BsonReader reader(value.bytes());
  return reader.next() && reader.name().starts_with("$");
}

FilterNode wrapped(FilterOp op, FilterNode inner) {
  FilterNode out;
  out.op = op;
  out.children.push_back(std::move(inner));
  return out;
}

void add_operators(const Value& operators, const std::vector<std::string>& path,
                   std::vector<FilterNode>& out);

std::vector<Value> list_of(std::string_view name, const Value& operand) {
  if (operand.type != ValueType::kArray)
    throw Error(Code::kConfig, fmt::format("{} wants a list", name),
                fmt::format("as in {{ ['{}'] = {{ 1, 2 }} }}", name));
  std::vector<Value> out;
  for (BsonReader reader(operand.bytes()); reader.next();) out.push_back(reader.value());
  return out;
}

void read_element_match(const Value& operand, FilterNode& node) {
  if (operand.type != ValueType::kDocument)
    throw Error(Code::kConfig, "$elemMatch wants conditions",
                "as in { ['$elemMatch'] = { sku = 'a', n = { ['$gt'] = 1 } } }");
  BsonReader first(operand.bytes());
  const bool any = first.next();
  const bool logical =
      any && (first.name() == "$and" || first.name() == "$or" || first.name() == "$nor");
  node.of_documents = !begins_with_operator(operand) || logical;
  if (node.of_documents) {
    node.children = parse_filter(operand.bytes()).children;
  } else {
    add_operators(operand, {}, node.children);
  }
}

FilterNode condition(std::string_view name, const Value& operand,
                     const std::vector<std::string>& path) {
  FilterNode node;
  node.op = operator_named(name);
  node.path = path;
  node.operand = operand;
  switch (node.op) {
    case FilterOp::kIn:
    case FilterOp::kNotIn:
    case FilterOp::kAll: node.list = list_of(name, operand); break;
    case FilterOp::kType: add_types(operand, node.types); break;
    case FilterOp::kElement: read_element_match(operand, node); break;
    case FilterOp::kSize:
      if (!whole_number(operand)) throw Error(Code::kConfig, "$size wants a whole number");
      node.operand = Value::of(ValueType::kInt64, *whole_number(operand));
      break;
    case FilterOp::kNot:
      if (!begins_with_operator(operand))
        throw Error(Code::kConfig, "$not wants an operator",
                    "as in { age = { ['$not'] = { ['$gt'] = 30 } } }");
      add_operators(operand, path, node.children);
      break;
    case FilterOp::kAnd:
    case FilterOp::kOr:
    case FilterOp::kNor:
      throw Error(Code::kConfig, fmt::format("{} stands beside fields, not inside one", name),
                  fmt::format("as in {{ ['{}'] = {{ {{ a = 1 }}, {{ b = 2 }} }} }}", name));
    default: break;
  }
  if (node.op == FilterOp::kNotEqual || node.op == FilterOp::kNotIn) {
    node.op = node.op == FilterOp::kNotEqual ? FilterOp::kEqual : FilterOp::kIn;
    return wrapped(FilterOp::kNot, std::move(node));
  }
  if (node.op == FilterOp::kExists && !is_true(operand)) return wrapped(FilterOp::kNot, std::move(node));
  return node;
}

void add_operators(const Value& operators, const std::vector<std::string>& path,
                   std::vector<FilterNode>& out) {
  for (BsonReader reader(operators.bytes()); reader.next();)
    out.push_back(condition(reader.name(), reader.value(), path));
}

FilterNode logical(std::string_view name, const Value& operand) {
  FilterNode node;
  node.op = operator_named(name);
  if (node.op != FilterOp::kAnd && node.op != FilterOp::kOr && node.op != FilterOp::kNor)
    throw Error(Code::kConfig, fmt::format("{} stands inside a field", name),
                fmt::format("as in {{ age = {{ ['{}'] = ... }} }}", name));
  for (const Value& one : list_of(name, operand)) {
    if (one.type != ValueType::kDocument)
      throw Error(Code::kConfig, fmt::format("{} wants a list of conditions", name));
    node.children.push_back(parse_filter(one.bytes()));
  }
  return node;
}

}  // namespace

const std::vector<std::string_view>& filter_operators() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> out;
    for (const Known& known : kOperators) out.push_back(known.name);
    return out;
  }();
  return names;
}

FilterNode parse_filter(Bytes bson) {
  FilterNode root;
  for (BsonReader reader(bson); reader.next();) {
    if (reader.name().starts_with("$")) {
      root.children.push_back(logical(reader.name(), reader.value()));
      continue;
    }
    const std::vector<std::string> path = split_path(reader.name());
    if (begins_with_operator(reader.value())) {
      add_operators(reader.value(), path, root.children);
    } else {
      root.children.push_back(condition("$eq", reader.value(), path));
    }
  }
  return root;
}

}  // namespace lugger
