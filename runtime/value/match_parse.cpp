#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "value/bson_reader.hpp"
#include "value/compare.hpp"
#include "value/decimal.hpp"
#include "value/match_node.hpp"
#include "value/path.hpp"

namespace lugger {

namespace {

struct Known {
  std::string_view name;
  FilterOp op;
};
constexpr Known kOperators[] = {
    {"$and", FilterOp::kAnd},       {"$or", FilterOp::kOr},
    {"$nor", FilterOp::kNor},       {"$not", FilterOp::kNot},
    {"$eq", FilterOp::kEqual},      {"$ne", FilterOp::kNotEqual},
    {"$gt", FilterOp::kGreater},    {"$gte", FilterOp::kGreaterEqual},
    {"$lt", FilterOp::kLess},       {"$lte", FilterOp::kLessEqual},
    {"$in", FilterOp::kIn},         {"$nin", FilterOp::kNotIn},
    {"$exists", FilterOp::kExists}, {"$type", FilterOp::kType},
    {"$size", FilterOp::kSize},     {"$mod", FilterOp::kMod},
    {"$all", FilterOp::kAll},       {"$elemMatch", FilterOp::kElement},
    {"$regex", FilterOp::kRegex},   {"$options", FilterOp::kOptions},
};

[[noreturn]] void unknown_operator(std::string_view name) {
  const std::vector<std::string_view>& names = filter_operators();
  std::vector<std::string_view> words;  // without the dollar, which all of them share
  for (const std::string_view one : names) words.push_back(one.substr(1));
  const std::string_view near = nearest(name.substr(1), words);
  std::string hint = "it knows";
  for (const std::string_view word : names) hint += " " + std::string(word);
  if (name == "$where" || name == "$expr") {
    hint = "ask Lua instead: find{}:where(function(doc) return ... end)";
  } else if (!near.empty()) {
    hint = fmt::format("did you mean ${}?", near);
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

/// A DBRef is a value, though its first field begins with a dollar too.
bool begins_with_operator(const Value& value) {
  if (value.type != ValueType::kDocument) return false;
  BsonReader reader(value.bytes());
  return reader.next() && reader.name().starts_with("$") && reader.name() != "$ref" &&
         reader.name() != "$id" && reader.name() != "$db";
}

void refuse_regex(std::string_view name, const Value& operand) {
  if (operand.type != ValueType::kRegex) return;
  throw Error(Code::kConfig, fmt::format("{} takes no regular expression", name),
              "what does not match is found with $not; a value that is one is found with { ['$eq'] "
              "= ... }");
}

void refuse_nested_operator(std::string_view name, const Value& one) {
  if (begins_with_operator(one))
    throw Error(Code::kConfig, fmt::format("{} takes values, not operators", name),
                "write the conditions with $or or $and");
}

/// The option u is MongoDB's word for what is so anyway.
std::unique_ptr<Regex> compiled(std::string_view pattern, std::string_view options) {
  std::string flags(options);
  std::erase(flags, 'u');
  return std::make_unique<Regex>(pattern, flags);
}

/// A regular expression as a value: pattern and options, a NUL behind each.
std::unique_ptr<Regex> compiled(const Value& regex, std::string_view more_options = {}) {
  const std::string_view text = regex.text();
  const std::string_view pattern = text.substr(0, text.find('\0'));
  const std::string_view own = text.substr(pattern.size() + 1, text.size() - pattern.size() - 2);
  if (!own.empty() && !more_options.empty())
    throw Error(Code::kConfig, "the options are given in $regex and in $options");
  return compiled(pattern, own.empty() ? more_options : own);
}

FilterNode pattern_node(std::unique_ptr<Regex> regex, const std::vector<std::string>& path) {
  FilterNode out;
  out.op = FilterOp::kRegex;
  out.path = path;
  out.patterns.push_back(std::move(regex));
  return out;
}

/// $regex with the $options that stand beside it.
FilterNode read_regex(const Value& operators, const std::vector<std::string>& path) {
  const Value pattern = bson_field(operators.bytes(), "$regex");
  const Value options = bson_field(operators.bytes(), "$options");
  if (pattern.type == ValueType::kMissing)
    throw Error(Code::kConfig, "$options stands beside $regex alone");
  if (options.type != ValueType::kMissing && options.type != ValueType::kString)
    throw Error(Code::kConfig, "$options wants text",
                "as in { ['$regex'] = '^a', ['$options'] = 'i' }");
  const std::string_view flags = options.type == ValueType::kString ? options.text() : "";
  if (pattern.type == ValueType::kRegex) return pattern_node(compiled(pattern, flags), path);
  if (pattern.type != ValueType::kString)
    throw Error(Code::kConfig, "$regex wants text, or a regular expression",
                "as in { ['$regex'] = '^a', ['$options'] = 'i' }");
  return pattern_node(compiled(pattern.text(), flags), path);
}

FilterNode wrapped(FilterOp op, FilterNode inner) {
  FilterNode out;
  out.op = op;
  out.children.push_back(std::move(inner));
  return out;
}

void read_mod(const Value& operand, FilterNode& node) {
  std::optional<int64_t> parts[2];
  size_t count = 0;
  if (operand.type == ValueType::kArray) {
    for (BsonReader reader(operand.bytes()); reader.next(); ++count)
      if (count < 2) parts[count] = truncated(reader.value());
  }
  if (count != 2 || !parts[0] || !parts[1] || *parts[0] == 0)
    throw Error(Code::kConfig, "$mod wants a divisor that is not 0, and a rest",
                "as in { ['$mod'] = { 4, 0 } }");
  node.divisor = *parts[0], node.rest = *parts[1];
}

void add_operators(const Value& operators, const std::vector<std::string>& path,
                   std::vector<FilterNode>& out);
FilterNode condition(std::string_view name, const Value& operand,
                     const std::vector<std::string>& path);

/// A value in the place of a condition: a regular expression is matched, any other is equal.
FilterNode equal_to(const Value& one, const std::vector<std::string>& path) {
  if (one.type == ValueType::kRegex) return pattern_node(compiled(one), path);
  return condition("$eq", one, path);
}

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

/// $all: every value is there, or every $elemMatch holds; of an empty list nothing does.
FilterNode all_of(const Value& operand, const std::vector<std::string>& path) {
  const std::vector<Value> list = list_of("$all", operand);
  FilterNode node;
  node.op = list.empty() ? FilterOp::kOr : FilterOp::kAnd;
  const auto match_in = [](const Value& one) {
    return one.type == ValueType::kDocument ? bson_field(one.bytes(), "$elemMatch") : Value{};
  };
  const bool matches = !list.empty() && match_in(list.front()).type != ValueType::kMissing;
  for (const Value& one : list) {
    if (!matches) refuse_nested_operator("$all", one);
    const Value conditions = match_in(one);
    if (matches && conditions.type == ValueType::kMissing)
      throw Error(Code::kConfig, "$all takes values, or an $elemMatch in each place, not both");
    node.children.push_back(matches ? condition("$elemMatch", conditions, path)
                                    : equal_to(one, path));
  }
  return node;
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
      node.list = list_of(name, operand);
      for (const Value& one : node.list) {
        refuse_nested_operator(name, one);
        if (one.type == ValueType::kRegex) node.patterns.push_back(compiled(one));
      }
      break;
    case FilterOp::kAll: return all_of(operand, path);
    case FilterOp::kMod: read_mod(operand, node); break;
    case FilterOp::kNotEqual:
    case FilterOp::kGreater:
    case FilterOp::kGreaterEqual:
    case FilterOp::kLess:
    case FilterOp::kLessEqual: refuse_regex(name, operand); break;
    case FilterOp::kType:
      add_types(operand, node.types);
      if (node.types.empty()) throw Error(Code::kConfig, "$type wants at least one type");
      break;
    case FilterOp::kElement: read_element_match(operand, node); break;
    case FilterOp::kSize:
      if (!whole_number(operand) || *whole_number(operand) < 0)
        throw Error(Code::kConfig, "$size wants a whole number, 0 or more");
      node.operand = Value::of(ValueType::kInt64, *whole_number(operand));
      break;
    case FilterOp::kNot:
      if (operand.type == ValueType::kRegex) {
        node.children.push_back(equal_to(operand, path));
        break;
      }
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
  if (node.op == FilterOp::kExists && !is_true(operand))
    return wrapped(FilterOp::kNot, std::move(node));
  return node;
}

void add_operators(const Value& operators, const std::vector<std::string>& path,
                   std::vector<FilterNode>& out) {
  bool regex = false;  // $regex and $options are one condition
  for (BsonReader reader(operators.bytes()); reader.next();) {
    if (reader.name() != "$regex" && reader.name() != "$options") {
      out.push_back(condition(reader.name(), reader.value(), path));
    } else if (!std::exchange(regex, true)) {
      out.push_back(read_regex(operators, path));
    }
  }
}

FilterNode logical(std::string_view name, const Value& operand) {
  FilterNode node;
  node.op = operator_named(name);
  if (node.op != FilterOp::kAnd && node.op != FilterOp::kOr && node.op != FilterOp::kNor)
    throw Error(Code::kConfig, fmt::format("{} stands inside a field", name),
                fmt::format("as in {{ age = {{ ['{}'] = ... }} }}", name));
  const std::vector<Value> list = list_of(name, operand);
  if (list.empty())
    throw Error(Code::kConfig, fmt::format("{} wants at least one condition", name),
                fmt::format("as in {{ ['{}'] = {{ {{ a = 1 }}, {{ b = 2 }} }} }}", name));
  for (const Value& one : list) {
    if (one.type != ValueType::kDocument)
      throw Error(Code::kConfig, fmt::format("{} wants a list of conditions", name));
    node.children.push_back(parse_filter(one.bytes()));
  }
  return node;
}

}  // namespace

std::optional<int64_t> truncated(const Value& value) {
  if (value.type == ValueType::kInt32 || value.type == ValueType::kInt64) return value.i64;
  DecimalDigits digits;
  if (value.type == ValueType::kDouble)
    decimal_from_double_exact(value.f64, digits);
  else if (value.type == ValueType::kDecimal)
    decimal_from_bson(value.data, digits);
  else if (value.type == ValueType::kNumeric)
    decimal_from_numeric(value.bytes(), digits);
  else
    return std::nullopt;
  int64_t whole = 0;
  if (digits.kind == DecimalDigits::Kind::kFinite) truncate_decimal(digits, 0);
  if (decimal_to_int(digits, whole) != DecimalFault::kNone) return std::nullopt;
  return whole;
}

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
      root.children.push_back(equal_to(reader.value(), path));
    }
  }
  return root;
}

}  // namespace lugger
