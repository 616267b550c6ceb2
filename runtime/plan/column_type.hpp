// A column's type as PostgreSQL names it, parsed once.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace lugger {

enum class Kind : uint8_t {
  kBool,
  kInt2,
  kInt4,
  kInt8,
  kFloat4,
  kFloat8,
  kNumeric,
  kText,
  kVarchar,
  kChar,
  kBytea,
  kUuid,
  kDate,
  kTime,
  kTimestamp,
  kTimestamptz,
  kInterval,
  kJson,
  kJsonb,
  kVector,
  kHalfvec,
  kSparsevec,
  kBit,
  kVarbit,
  kArray,  // one dimension of element_kind
  kOther,  // any other type: text, cast by the server
};

struct ColumnType {
  Kind kind = Kind::kText;
  /// kArray: the element's kind; precision, scale and length are the element's.
  Kind element = Kind::kText;
  /// numeric(p, s); 0: unconstrained. time/timestamp precision: unused, microseconds always.
  int precision = 0;
  int scale = 0;
  /// varchar(n), char(n), bit(n); vector(n), halfvec(n), sparsevec(n): dimensions; 0: any.
  int length = 0;
  std::string sql;  // as DDL spells it: "numeric(12,2)", "text[]", "my_schema.mood"

  bool is_array() const noexcept { return kind == Kind::kArray; }
  ColumnType element_type() const;
};

/// Accepts PostgreSQL's names and aliases in any case ("int", "integer", "int4", "double
/// precision", "timestamp with time zone", "character varying(20)", "text[]"). A name it does not
/// know is kOther when it looks like a type name, else Error{config} with a suggestion.
ColumnType parse_column_type(std::string_view spelled);

}  // namespace lugger
