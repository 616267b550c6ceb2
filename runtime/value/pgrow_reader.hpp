// Reads the fields of a COPY BINARY tuple as values.
#pragma once
#include "base/arena.hpp"
#include "value/document.hpp"

namespace lugger {

/// Which Value a PostgreSQL type's binary form reads as without conversion (int4 -> kInt32, numeric
/// -> kNumeric, jsonb -> kJson without its version byte, arrays -> kPgArray, vector -> kVector
/// ...). kPgText: no binary reader of ours; the source selects column::text.
ValueType pg_reads_as(uint32_t type_oid, std::string_view type_name) noexcept;

/// Value::aux of a kDouble that was a float4: its text has a float's shortest digits.
inline constexpr uint16_t kSingle = 4;

/// Value::aux of a row's NULL, which is not the null of a document.
inline constexpr uint16_t kSqlNull = 1;

/// One field of that type. False: not what the type's binary form looks like.
bool read_pg_field(ValueType reads_as, uint32_t type_oid, Bytes field, Arena& arena, Value& out);

/// Walks the elements of a binary array in row-major order. NULL is kNull.
class PgArrayReader {
 public:
  explicit PgArrayReader(Bytes array) noexcept;
  bool next(Arena& arena);
  const Value& value() const noexcept { return value_; }
  uint32_t element_oid() const noexcept { return oid_; }
  int dimensions() const noexcept { return dimensions_; }
  bool malformed() const noexcept { return malformed_; }

 private:
  const uint8_t *at_ = nullptr, *end_ = nullptr;
  uint64_t left_ = 0;
  uint32_t oid_ = 0;
  int dimensions_ = 0;
  ValueType reads_as_ = ValueType::kPgText;
  Value value_;
  bool malformed_ = false;
};

/// Walks the fields of one tuple, in the order of the shape. NULL is kNull.
class PgRowReader {
 public:
  /// Vectors and halfvecs are turned to host byte order in the arena; everything else points into
  /// the tuple.
  PgRowReader(const Document& document, Arena& arena) noexcept;
  bool next() noexcept;
  size_t index() const noexcept { return index_; }
  std::string_view name() const noexcept;
  const Value& value() const noexcept { return value_; }
  bool malformed() const noexcept { return malformed_; }

 private:
  const Document& document_;
  Arena& arena_;
  const uint8_t *at_, *end_;
  size_t index_ = static_cast<size_t>(-1);
  Value value_;
  bool malformed_ = false;
};

}  // namespace lugger
