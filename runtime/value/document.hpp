// A document as it came: its bytes, and how to read them. Borrowed from the batch's arena or a
// mapped file.
#pragma once
#include <string>
#include <vector>

#include "value/value.hpp"

namespace lugger {

/// kBson: BSON, also what JSON sources are read into. kPgRow: one tuple of COPY BINARY (int16 field
/// count, then fields).
enum class Format : uint8_t { kBson, kPgRow };

/// Names and types of a PgRow document's fields. How a PostgreSQL type reads as a Value is decided
/// in value/pgrow_reader.
struct RowShape {
  struct Field {
    std::string name;
    uint32_t type_oid = 0;
    std::string type_name;  // format_type(): "character varying(20)"
    ValueType reads_as = ValueType::kPgText;
  };
  std::vector<Field> fields;
};

struct Document {
  const uint8_t* data = nullptr;
  uint32_t size = 0;
  Format format = Format::kBson;
  const RowShape* shape = nullptr;  // kPgRow only; outlives the cursor

  Bytes bytes() const noexcept { return {data, size}; }
};

}  // namespace lugger
