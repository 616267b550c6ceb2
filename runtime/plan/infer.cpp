#include "plan/infer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "plan/vectors_type.hpp"
#include "value/bson_reader.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {

namespace {

constexpr size_t kMaxInferredColumns =
    400;  // PostgreSQL stops at 1600; a map used as a dictionary belongs into jsonb
constexpr size_t kMaxName = 63;

/// Every table has these of its own.
constexpr std::string_view kSystemColumns[] = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"};

bool is_taken(std::string_view name, const std::set<std::string>& used) {
  return used.contains(std::string(name)) ||
         std::ranges::find(kSystemColumns, name) != std::end(kSystemColumns);
}

/// A name PostgreSQL takes as it is, not used yet.
bool usable_name(const std::string& name, const std::set<std::string>& used) {
  return !name.empty() && name.size() <= kMaxName && is_utf8(name) && !is_taken(name, used);
}

Column column_of(std::string name, std::string_view type) {
  Column column;
  column.name = std::move(name);
  column.type = parse_column_type(type);
  return column;
}

/// How many vectors an array has; nullopt: it holds something else.
std::optional<size_t> vectors_in(const Value& value) {
  if (value.type != ValueType::kArray) return std::nullopt;
  size_t count = 0;
  BsonReader vectors(value.bytes());
  for (; vectors.next(); ++count)
    if (vectors.value().type != ValueType::kVector) return std::nullopt;
  return vectors.fault() == BsonFault::kNone ? std::optional(count) : std::nullopt;
}

/// As a store of named vectors gives them: a document with nothing else in it.
bool holds_only_vectors(const Value& value) {
  if (value.type != ValueType::kDocument) return false;
  size_t count = 0;
  for (BsonReader inner(value.bytes()); inner.next();) {
    const bool one = inner.value().type == ValueType::kVector;
    const std::optional<size_t> vectors = one ? 1 : vectors_in(inner.value());
    if (!vectors) return false;
    count += *vectors;
  }
  return count != 0;
}

/// "vector(384)" where all have the same dimensions, of which a column has at most 16,000.
std::string vector_type(const FieldFacts& field) {
  constexpr uint64_t kMost = 16000;
  const bool same =
      field.least_dimensions == field.most_dimensions && field.most_dimensions <= kMost;
  return same ? fmt::format("vector({})", field.most_dimensions) : "vector";
}

bool has_non_finite(Kind kind) noexcept {
  return kind == Kind::kFloat4 || kind == Kind::kFloat8 || kind == Kind::kNumeric;
}

/// What a row holds is kept: NaN, and JSON's null apart from NULL.
std::vector<Column> columns_of_rows(const RowShape& shape) {
  std::vector<Column> columns;
  for (const RowShape::Field& field : shape.fields) {
    columns.push_back(column_of(field.name, declared_type(field)));
    if (std::string path = escaped_path(field.name); path != field.name)
      columns.back().from = std::move(path);
    CoercePolicy& policy = columns.back().policy;
    policy.json_null = field.reads_as == ValueType::kJson;
    const ColumnType& type = columns.back().type;
    if (has_non_finite(type.is_array() ? type.element : type.kind) || of_vectors(type))
      policy.non_finite = CoercePolicy::NonFinite::kKeep;
  }
  return columns;
}

}  // namespace

std::vector<ValueType> FieldFacts::kinds() const {
  std::vector<ValueType> out;
  for (size_t i = static_cast<size_t>(ValueType::kBool); i < types.size(); ++i) {
    if (types[i] != 0) out.push_back(static_cast<ValueType>(i));
  }
  return out;
}

void FieldFacts::merge(const FieldFacts& other) noexcept {
  documents += other.documents;
  for (size_t i = 0; i < types.size(); ++i) types[i] += other.types[i];
  least = std::min(least, other.least);
  greatest = std::max(greatest, other.greatest);
  dates_in_range = dates_in_range && other.dates_in_range;
  doubles_exact = doubles_exact && other.doubles_exact;
  uuids_only = uuids_only && other.uuids_only;
  nul_in_text = nul_in_text || other.nul_in_text;
  longest = std::max(longest, other.longest);
  least_dimensions = std::min(least_dimensions, other.least_dimensions);
  most_dimensions = std::max(most_dimensions, other.most_dimensions);
  vector_arrays += other.vector_arrays;
}

FieldFacts& FieldsSeen::field(std::string_view name, size_t& hint) {
  // Fields mostly come in the order of the last document.
  if (hint < fields_.size() && fields_[hint].name == name) return fields_[hint++];
  if (const size_t* known = places_.find(name)) {
    hint = *known + 1;
    return fields_[*known];
  }
  places_.add(name, fields_.size());
  fields_.emplace_back().name = std::string(name);
  hint = fields_.size();
  return fields_.back();
}

void FieldsSeen::add_field(std::string_view name, const Value& value, size_t& hint, bool inside) {
  FieldFacts& seen = field(name, hint);
  seen.inside = inside;
  ++seen.documents;
  seen.note(value);
  if (!vectors_in(value)) return;
  ++seen.vector_arrays;
  for (BsonReader vectors(value.bytes()); vectors.next();) seen.note_vector(vectors.value());
}

void FieldsSeen::add(const Document& document) {
  ++documents_;
  size_t hint = 0;
  if (document.format == Format::kPgRow) {
    if (!shape_) shape_ = *document.shape;
    Arena scratch(4096);
    for (PgRowReader reader(document, scratch); reader.next();) {
      FieldFacts& seen = field(reader.name(), hint);
      ++seen.documents;
      seen.note(reader.value());
    }
    return;
  }
  BsonReader reader(document.bytes());
  while (reader.next()) {
    if (!holds_only_vectors(reader.value())) {
      add_field(reader.name(), reader.value(), hint, false);
      continue;
    }
    const std::string before = escaped_path(reader.name()) + ".";
    for (BsonReader inner(reader.value().bytes()); inner.next();)
      add_field(before + escaped_path(inner.name()), inner.value(), hint, true);
  }
  if (reader.fault() != BsonFault::kNone) ++malformed_;
}

/// pgvector's types are named without the schema that the extension happens to be in. PGVecto.rs is
/// in `vectors` alone (a pgvector there is named without it by the source).
std::string declared_type(const RowShape::Field& field) {
  const bool of_pgvector = field.reads_as == ValueType::kVector ||
                           field.reads_as == ValueType::kHalfVector ||
                           field.reads_as == ValueType::kSparseVector;
  if (!of_pgvector || field.type_name.starts_with("vectors.")) return field.type_name;
  const size_t modifier =
      field.type_name.ends_with(')') ? field.type_name.rfind('(') : field.type_name.size();
  return std::string(type_word(field.reads_as)) + field.type_name.substr(modifier);
}

std::string escaped_path(std::string_view name) {
  std::string path;
  for (const char c : name) {
    if (std::string_view(".\\*[").find(c) != std::string_view::npos)
      path += '\\';  // "*" and "[]" mean something in a path
    path += c;
  }
  return path;
}

std::string narrowest_type(const FieldFacts& field) {
  const std::vector<ValueType> kinds = field.kinds();
  const auto only = [&](std::initializer_list<ValueType> allowed) {
    return !kinds.empty() && std::all_of(kinds.begin(), kinds.end(), [&](ValueType kind) {
      return std::find(allowed.begin(), allowed.end(), kind) != allowed.end();
    });
  };
  using T = ValueType;
  if (only({T::kBool})) return "bool";
  if (only({T::kInt32})) return "int4";
  if (only({T::kInt32, T::kInt64})) return "int8";
  if (only({T::kInt32, T::kInt64, T::kDouble})) return field.doubles_exact ? "float8" : "numeric";
  if (only({T::kInt32, T::kInt64, T::kDecimal, T::kNumeric})) return "numeric";
  if (only({T::kString, T::kSymbol}) || only({T::kObjectId}) || only({T::kCode})) return "text";
  if (only({T::kDate})) return field.dates_in_range ? "timestamptz" : "text";
  if (only({T::kBinary})) return field.uuids_only ? "uuid" : "bytea";
  if (only({T::kVector})) return vector_type(field);
  const bool many = field.vector_arrays != 0 && field.vector_arrays == field.count(T::kArray);
  if (only({T::kArray}) && many && field.most_dimensions != 0) return vector_type(field) + "[]";
  return "jsonb";
}

std::vector<Column> infer_columns(const FieldsSeen& seen) {
  if (seen.rows() != nullptr) return columns_of_rows(*seen.rows());
  std::vector<Column> columns;
  std::set<std::string> used;
  const auto id = std::find_if(seen.fields().begin(), seen.fields().end(),
                               [](const FieldFacts& f) { return f.name == "_id"; });
  if (id != seen.fields().end() || seen.documents() == 0) {
    Column key = column_of("id", "uuid");
    key.generate = Column::Generate::kV5;
    Column mongo_id = column_of("mongo_id", "text");
    mongo_id.from = "_id";
    mongo_id.id_text_column = true;
    mongo_id.required = true;
    columns.push_back(std::move(key));
    columns.push_back(std::move(mongo_id));
    used = {"id", "mongo_id", "rest"};
  }
  bool rest = false;
  for (const FieldFacts& field : seen.fields()) {
    if (field.name == "_id") continue;
    std::string name = field.inside ? field.name.substr(field.name.rfind('.') + 1) : field.name;
    while (is_taken(name, used) && name.size() < kMaxName) name += '_';
    if (!usable_name(name, used) || columns.size() >= kMaxInferredColumns) {
      rest = true;
      continue;
    }
    Column column = column_of(name, narrowest_type(field));
    column.from = field.inside ? field.name : escaped_path(field.name);
    if (column.type.kind == Kind::kJsonb) column.policy.json = JsonStyle::kTyped;
    if (column.type.kind == Kind::kFloat8 || column.type.kind == Kind::kNumeric)
      column.policy.non_finite = CoercePolicy::NonFinite::kKeep;
    used.insert(name);
    columns.push_back(std::move(column));
  }
  if (rest || columns.empty()) {
    Column column = column_of("rest", "jsonb");
    column.from = "*";
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace lugger
