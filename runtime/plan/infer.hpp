// What a source holds, field by field, and the columns that follow from it: the first pass of
// columns = "auto", and `describe`.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "plan/mapping.hpp"
#include "value/document.hpp"

namespace lugger {

/// Everything seen of one top-level field.
struct FieldCensus {
  std::string name;
  uint64_t documents = 0;                           // that have the field
  std::array<uint64_t, kValueTypes> types{};        // values by type
  int64_t least = INT64_MAX, greatest = INT64_MIN;  // of int32 and int64 values
  bool dates_in_range = true;                       // every date fits timestamptz
  bool doubles_exact = true;                        // every integer beside doubles fits a double
  bool uuids_only = true;                           // every binary is subtype 4 with 16 bytes
  bool nul_in_text = false;
  uint64_t longest = 0;  // bytes of the longest string

  uint64_t count(ValueType type) const { return types[static_cast<size_t>(type)]; }
  /// Types seen, null and undefined apart.
  std::vector<ValueType> kinds() const;
};

class Census {
 public:
  void add(const Document& document);
  uint64_t documents() const noexcept { return documents_; }
  uint64_t malformed() const noexcept { return malformed_; }
  /// In the order first seen.
  const std::vector<FieldCensus>& fields() const noexcept { return fields_; }
  const RowShape* rows() const noexcept { return shape_ ? &*shape_ : nullptr; }

 private:
  FieldCensus& field(std::string_view name, size_t& hint);
  std::vector<FieldCensus> fields_;
  uint64_t documents_ = 0, malformed_ = 0;
  std::optional<RowShape> shape_;  // a copy: the cursor that lent it ends before the census
};

/// The narrowest type that holds every value seen: bool, int4, int8, float8, numeric, text, bytea,
/// uuid, timestamptz; jsonb otherwise.
std::string narrowest_type(const FieldCensus& field);

/// One column a field, mongo_id and id in front when there is an _id, what has no usable name in
/// `rest`.
std::vector<Column> infer_columns(const Census& census);

}  // namespace lugger
