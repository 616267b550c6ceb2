// What a source holds, field by field, and the columns that follow from it: the first pass of
// columns = "auto", and `describe`.
#pragma once
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/name_index.hpp"
#include "plan/mapping.hpp"
#include "value/datetime.hpp"
#include "value/document.hpp"

namespace lugger {

/// What was seen of one field, or of one path anywhere in the documents: all that narrowest_type()
/// asks for.
struct FieldFacts {
  static constexpr int64_t kExactInDouble = int64_t{1} << 53;

  std::string name;
  uint64_t documents = 0;                           // that have the field
  std::array<uint64_t, kValueTypes> types{};        // values by type
  int64_t least = INT64_MAX, greatest = INT64_MIN;  // of int32 and int64 values
  bool dates_in_range = true;                       // every date fits timestamptz
  bool doubles_exact = true;                        // every integer beside doubles fits a double
  bool uuids_only = true;                           // every binary is subtype 4 with 16 bytes
  bool nul_in_text = false;
  uint64_t longest = 0;  // bytes of the longest string
  /// Dimensions of vectors, and arrays that hold such vectors.
  uint64_t least_dimensions = UINT64_MAX, most_dimensions = 0, vector_arrays = 0;
  bool inside = false;  // `name` is a path: a vector in a document of vectors

  void note(const Value& value) noexcept;
  void note_vector(const Value& vector) noexcept {
    least_dimensions = std::min<uint64_t>(least_dimensions, vector.size / sizeof(float));
    most_dimensions = std::max<uint64_t>(most_dimensions, vector.size / sizeof(float));
  }
  void merge(const FieldFacts& other) noexcept;
  uint64_t count(ValueType type) const { return types[static_cast<size_t>(type)]; }
  /// Types seen, null and undefined apart.
  std::vector<ValueType> kinds() const;
};

inline void FieldFacts::note(const Value& value) noexcept {
  ++types[static_cast<size_t>(value.type)];
  switch (value.type) {
    case ValueType::kInt32:
    case ValueType::kInt64:
      least = std::min(least, value.i64);
      greatest = std::max(greatest, value.i64);
      doubles_exact = doubles_exact && value.i64 <= kExactInDouble && value.i64 >= -kExactInDouble;
      break;
    case ValueType::kDate:
      dates_in_range = dates_in_range && micros_from_unix_ms(value.i64).has_value();
      break;
    case ValueType::kBinary: uuids_only = uuids_only && value.aux == 4 && value.size == 16; break;
    case ValueType::kString:
    case ValueType::kSymbol:
      longest = std::max<uint64_t>(longest, value.size);
      nul_in_text = nul_in_text || std::memchr(value.data, 0, value.size) != nullptr;
      break;
    case ValueType::kVector: note_vector(value); break;
    default: break;
  }
}

class FieldsSeen {
 public:
  void add(const Document& document);
  uint64_t documents() const noexcept { return documents_; }
  uint64_t malformed() const noexcept { return malformed_; }
  /// In the order first seen.
  const std::vector<FieldFacts>& fields() const noexcept { return fields_; }
  const RowShape* rows() const noexcept { return shape_ ? &*shape_ : nullptr; }
  /// What the rows of the source are like, where it is known before the first of them.
  void expect(const RowShape& shape) { shape_ = shape; }

 private:
  FieldFacts& field(std::string_view name, size_t& hint);
  void add_field(std::string_view name, const Value& value, size_t& hint, bool inside);
  std::vector<FieldFacts> fields_;
  NameIndex places_;  // of the fields
  uint64_t documents_ = 0, malformed_ = 0;
  std::optional<RowShape> shape_;  // a copy: the cursor that lent it ends earlier
};

/// The narrowest type that holds every value seen: bool, int4, int8, float8, numeric, text, bytea,
/// uuid, timestamptz, vector(n), vector(n)[]; jsonb otherwise.
std::string narrowest_type(const FieldFacts& field);

/// A column's type as the source declares it. Types of pgvector are named without the schema of the
/// source's extension: the target's may be in another.
std::string declared_type(const RowShape::Field& field);

/// A name as it stands in a path: what means something there ("." "[" "*" and the backslash) is
/// escaped.
std::string escaped_path(std::string_view name);

/// One column a field, mongo_id and id in front when there is an _id, what has no usable name in
/// `rest`.
std::vector<Column> infer_columns(const FieldsSeen& seen);

}  // namespace lugger
