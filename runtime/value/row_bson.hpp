// A row of PostgreSQL as a document that outlives it: every value keeps its type.
#pragma once
#include "base/arena.hpp"
#include "value/document.hpp"

namespace lugger {

/// Appends the row as BSON, its fields in their order. Arrays become arrays, json and jsonb what
/// they hold; what BSON has no type for is marked (value/marked.hpp). Raises for a malformed row.
void append_row(const Document& row, Arena& arena, ByteBuffer& out);

}  // namespace lugger
