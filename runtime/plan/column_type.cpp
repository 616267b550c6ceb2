#include "plan/column_type.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/ascii.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "plan/vectors_type.hpp"

namespace lugger {

namespace {

struct TypeName {
  std::string_view name;  // as spelled, lower case
  Kind kind;
  std::string_view sql;  // as DDL spells it
};
constexpr std::array kNames = {
    TypeName{"bool", Kind::kBool, "bool"},
    TypeName{"boolean", Kind::kBool, "bool"},
    TypeName{"int2", Kind::kInt2, "int2"},
    TypeName{"smallint", Kind::kInt2, "int2"},
    TypeName{"int4", Kind::kInt4, "int4"},
    TypeName{"int", Kind::kInt4, "int4"},
    TypeName{"integer", Kind::kInt4, "int4"},
    TypeName{"int8", Kind::kInt8, "int8"},
    TypeName{"bigint", Kind::kInt8, "int8"},
    TypeName{"smallserial", Kind::kInt2, "smallserial"},
    TypeName{"serial", Kind::kInt4, "serial"},
    TypeName{"bigserial", Kind::kInt8, "bigserial"},
    TypeName{"float4", Kind::kFloat4, "float4"},
    TypeName{"real", Kind::kFloat4, "float4"},
    TypeName{"float8", Kind::kFloat8, "float8"},
    TypeName{"float", Kind::kFloat8, "float8"},
    TypeName{"double precision", Kind::kFloat8, "float8"},
    TypeName{"numeric", Kind::kNumeric, "numeric"},
    TypeName{"decimal", Kind::kNumeric, "numeric"},
    TypeName{"dec", Kind::kNumeric, "numeric"},
    TypeName{"text", Kind::kText, "text"},
    TypeName{"varchar", Kind::kVarchar, "varchar"},
    TypeName{"character varying", Kind::kVarchar, "varchar"},
    TypeName{"char", Kind::kChar, "char"},
    TypeName{"character", Kind::kChar, "char"},
    TypeName{"bpchar", Kind::kChar, "bpchar"},
    TypeName{"bytea", Kind::kBytea, "bytea"},
    TypeName{"uuid", Kind::kUuid, "uuid"},
    TypeName{"date", Kind::kDate, "date"},
    TypeName{"time", Kind::kTime, "time"},
    TypeName{"time without time zone", Kind::kTime, "time"},
    TypeName{"timetz", Kind::kOther, "timetz"},
    TypeName{"time with time zone", Kind::kOther, "timetz"},
    TypeName{"timestamp", Kind::kTimestamp, "timestamp"},
    TypeName{"timestamp without time zone", Kind::kTimestamp, "timestamp"},
    TypeName{"timestamptz", Kind::kTimestamptz, "timestamptz"},
    TypeName{"timestamp with time zone", Kind::kTimestamptz, "timestamptz"},
    TypeName{"interval", Kind::kInterval, "interval"},
    TypeName{"json", Kind::kJson, "json"},
    TypeName{"jsonb", Kind::kJsonb, "jsonb"},
    TypeName{"vector", Kind::kVector, "vector"},
    TypeName{"halfvec", Kind::kHalfvec, "halfvec"},
    TypeName{"sparsevec", Kind::kSparsevec, "sparsevec"},
    TypeName{"vecf16", Kind::kHalfvec, "vectors.vecf16"},
    TypeName{"svector", Kind::kSparsevec, "vectors.svector"},
    TypeName{"bvector", Kind::kBit, "vectors.bvector"},
    TypeName{"veci8", Kind::kVector, "vectors.veci8"},
    TypeName{"bit", Kind::kBit, "bit"},
    TypeName{"varbit", Kind::kVarbit, "varbit"},
    TypeName{"bit varying", Kind::kVarbit, "varbit"},
};

// What people write who come from elsewhere, and what they mean.
struct Foreign {
  std::string_view name, meant;
};
constexpr std::array kForeign = {
    Foreign{"string", "text"},      Foreign{"number", "numeric"},
    Foreign{"double", "float8"},    Foreign{"long", "int8"},
    Foreign{"int32", "int4"},       Foreign{"int64", "int8"},
    Foreign{"objectid", "text"},    Foreign{"object", "jsonb"},
    Foreign{"array", "jsonb"},      Foreign{"datetime", "timestamptz"},
    Foreign{"binary", "bytea"},     Foreign{"blob", "bytea"},
    Foreign{"varchar2", "varchar"}, Foreign{"nvarchar", "varchar"},
    Foreign{"tinyint", "int2"},     Foreign{"bson", "jsonb"},
    Foreign{"str", "text"},         Foreign{"embedding", "vector(n)"},
};

// Types of PostgreSQL that are near in spelling to ours; the server casts text to them.
constexpr std::array<std::string_view, 15> kOthers = {
    "xml",  "money", "name", "oid",    "inet",   "cidr",  "tid",     "point",
    "line", "path",  "box",  "citext", "hstore", "ltree", "tsvector"};

[[noreturn]] void refuse(std::string_view spelled, std::string_view why, std::string hint = {}) {
  throw Error(Code::kConfig,
              fmt::format("{} is not a column type: {}", quoted_excerpt(spelled), why),
              std::move(hint));
}

/// The spelled type taken apart: "timestamp (3) with time zone []" -> name, arguments, array.
struct Spelled {
  std::string name;  // lower case outside quotes, single spaces
  std::vector<int> arguments;
  bool array = false;
};

std::vector<int> parse_arguments(std::string_view spelled, std::string_view inside) {
  std::vector<int> out;
  while (true) {
    while (!inside.empty() && is_space(inside.front())) inside.remove_prefix(1);
    int number = 0;
    const auto [end, error] = std::from_chars(inside.data(), inside.data() + inside.size(), number);
    if (error != std::errc{}) refuse(spelled, "its arguments must be whole numbers");
    out.push_back(number);
    inside.remove_prefix(static_cast<size_t>(end - inside.data()));
    while (!inside.empty() && is_space(inside.front())) inside.remove_prefix(1);
    if (inside.empty()) return out;
    if (inside.front() != ',') refuse(spelled, "its arguments must be whole numbers");
    inside.remove_prefix(1);
  }
}

Spelled take_apart(std::string_view spelled) {
  Spelled out;
  bool quoted = false;
  const auto end_word = [&] {
    if (!out.name.empty() && out.name.back() != ' ') out.name.push_back(' ');
  };
  for (size_t i = 0; i < spelled.size(); ++i) {
    const char c = spelled[i];
    if (c == '"') quoted = !quoted;
    if (quoted || c == '"') {
      out.name.push_back(c);
    } else if (c == '(') {
      const size_t close = spelled.find(')', i);
      if (close == std::string_view::npos) refuse(spelled, "a closing parenthesis is missing");
      if (!out.arguments.empty()) refuse(spelled, "it has two lists of arguments");
      out.arguments = parse_arguments(spelled, spelled.substr(i + 1, close - i - 1));
      end_word();
      i = close;
    } else if (c == '[') {
      const size_t close = spelled.find(']', i);
      if (close == std::string_view::npos) refuse(spelled, "a closing bracket is missing");
      if (out.array) refuse(spelled, "arrays have one dimension", "use jsonb for nested arrays");
      out.array = true;
      i = close;
    } else if (is_space(c)) {
      end_word();
    } else if (out.array) {
      refuse(spelled, "nothing may follow []");
    } else {
      out.name.push_back(to_lower(c));
    }
  }
  if (quoted) refuse(spelled, "a quote is not closed");
  while (!out.name.empty() && out.name.back() == ' ') out.name.pop_back();
  if (out.name.ends_with(" array")) {
    out.name.resize(out.name.size() - 6);
    out.array = true;
  }
  return out;
}

/// "my_schema.mood", "\"Mood\"", "tsvector".
bool looks_like_a_type(std::string_view name) noexcept {
  bool quoted = false, start = true;
  for (const char c : name) {
    if (c == '"') {
      quoted = !quoted;
      start = false;
    } else if (!quoted) {
      const bool letter = (c >= 'a' && c <= 'z') || c == '_' || (c & 0x80) != 0;
      const bool inner = (c >= '0' && c <= '9') || c == '$' || c == ' ';
      if (c == '.') {
        if (start) return false;
        start = true;
        continue;
      }
      if (!letter && (start || !inner)) return false;
      start = false;
    }
  }
  return !start;
}

const TypeName* find_name(std::string_view name) noexcept {
  const auto* found = std::find_if(kNames.begin(), kNames.end(),
                                   [&](const TypeName& known) { return known.name == name; });
  return found == kNames.end() ? nullptr : found;
}

/// Types of pgvector and PGVecto.rs under the schema they were installed in.
const TypeName* find_qualified(std::string_view name) noexcept {
  const size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return nullptr;
  const TypeName* found = find_name(name.substr(dot + 1));
  if (found == nullptr) return nullptr;
  const bool vector = (found->kind >= Kind::kVector && found->kind <= Kind::kSparsevec) ||
                      found->sql.starts_with("vectors.");
  return vector || name.substr(0, dot) == "pg_catalog" ? found : nullptr;
}

void check_other(std::string_view spelled, const std::string& name) {
  if (!looks_like_a_type(name))
    refuse(spelled, "it does not look like the name of one", "see docs/types.md");
  if (name.find_first_of(".\"") != std::string::npos) return;
  for (const Foreign& foreign : kForeign)
    if (foreign.name == name)
      refuse(spelled, "PostgreSQL has none of that name",
             fmt::format("did you mean {}?", foreign.meant));
  if (std::find(kOthers.begin(), kOthers.end(), name) != kOthers.end()) return;
  std::vector<std::string_view> names;
  names.reserve(std::size(kNames));
  for (const TypeName& known : kNames) names.push_back(known.name);
  const std::string_view near = nearest(name, names);
  // A type of the user's own ("mood") is more likely than two slips in a short word ("bool").
  if (!near.empty() && near.size() > 3 &&
      edit_distance(name, near) <= std::max<size_t>(1, near.size() / 4))
    refuse(spelled, "PostgreSQL has none of that name",
           fmt::format("did you mean {}? A type of your own is named with its schema: public.{}",
                       near, name));
}

std::string number_list(const std::vector<int>& arguments) {
  return arguments.empty() ? std::string() : fmt::format("({})", fmt::join(arguments, ","));
}

struct Limits {
  int low, high;
};

Limits length_limits(const ColumnType& type) noexcept {
  if (of_vectors(type)) return {1, most_dimensions(type)};
  switch (type.kind) {
    case Kind::kVarchar:
    case Kind::kChar: return {1, 10485760};
    case Kind::kVector:
    case Kind::kHalfvec:
    case Kind::kSparsevec: return {1, most_dimensions(type)};
    case Kind::kBit:
    case Kind::kVarbit: return {1, 83886080};
    case Kind::kTime:
    case Kind::kTimestamp:
    case Kind::kTimestamptz:
    case Kind::kInterval: return {0, 6};
    default: return {0, -1};
  }
}

void read_arguments(std::string_view spelled, const std::vector<int>& arguments, ColumnType& type) {
  const Kind kind = type.kind;
  if (kind == Kind::kChar || (kind == Kind::kBit && !of_vectors(type))) type.length = 1;
  if (type.sql == "bpchar") type.length = 0;
  if (arguments.empty() || kind == Kind::kOther) return;
  if (kind == Kind::kNumeric) {
    const int scale = arguments.size() > 1 ? arguments[1] : 0;
    if (arguments.size() > 2 || arguments[0] < 1 || arguments[0] > 1000 || scale < -1000 ||
        scale > 1000)
      refuse(spelled, "numeric takes a precision of 1 to 1000 and a scale of -1000 to 1000");
    type.precision = arguments[0];
    type.scale = scale;
    return;
  }
  const Limits limits = length_limits(type);
  if (limits.high < limits.low) refuse(spelled, fmt::format("{} takes no arguments", type.sql));
  if (arguments.size() > 1 || arguments[0] < limits.low || arguments[0] > limits.high)
    refuse(spelled,
           fmt::format("{} takes one number from {} to {}", type.sql, limits.low, limits.high));
  const bool time = kind == Kind::kTime || kind == Kind::kTimestamp || kind == Kind::kTimestamptz ||
                    kind == Kind::kInterval;
  if (!time) type.length = arguments[0];
}

}  // namespace

ColumnType ColumnType::element_type() const {
  ColumnType out = *this;
  out.kind = element;
  out.element = Kind::kText;
  if (out.sql.ends_with("[]")) out.sql.resize(out.sql.size() - 2);
  // The text that an array of vectors is has no length; its elements have.
  const bool vector = out.kind == Kind::kVector || out.kind == Kind::kHalfvec;
  return vector ? parse_column_type(out.sql) : out;
}

ColumnType parse_column_type(std::string_view spelled) {
  const Spelled parts = take_apart(spelled);
  ColumnType type;
  const TypeName* found = find_name(parts.name);
  const bool qualified = found == nullptr;
  if (qualified) found = find_qualified(parts.name);
  if (found == nullptr) check_other(spelled, parts.name);
  type.kind = found == nullptr ? Kind::kOther : found->kind;
  type.sql = found == nullptr || qualified ? parts.name : std::string(found->sql);
  std::vector<int> arguments = parts.arguments;
  if (parts.name == "float" &&
      !arguments.empty()) {  // float(p) counts bits and names one of two types
    if (arguments.size() > 1 || arguments[0] < 1 || arguments[0] > 53)
      refuse(spelled, "float takes one number from 1 to 53");
    type.kind = arguments[0] <= 24 ? Kind::kFloat4 : Kind::kFloat8;
    type.sql = arguments[0] <= 24 ? "float4" : "float8";
    arguments.clear();
  }
  read_arguments(spelled, arguments, type);
  type.sql += number_list(arguments);
  if (parts.array) {
    type.sql += "[]";
    const bool built_in =
        !of_vectors(type) &&
        (type.kind < Kind::kVector || type.kind == Kind::kBit || type.kind == Kind::kVarbit);
    type.element = type.kind;
    type.kind =
        built_in
            ? Kind::kArray
            : Kind::kOther;  // others' element OIDs differ by database: text, cast by the server
    if (!built_in) type.length = 0;
  }
  return type;
}

}  // namespace lugger
