// A row of PostgreSQL as a document that outlives it: every value keeps its type.
#pragma once
#include <string>
#include <string_view>

#include "base/arena.hpp"
#include "value/document.hpp"

namespace lugger {

/// Appends the row as BSON, its fields in their order. Arrays become arrays, json and jsonb what
/// they hold; what BSON has no type for is marked (value/marked.hpp). Raises for a malformed row.
void append_row(const Document& row, Arena& arena, ByteBuffer& out);

/// The text of a json or jsonb value as BSON: Extended JSON, of whose numbers no digit is lost. Text
/// that only looks like it is what it says. What is no object comes as {"": value}.
std::string bson_of_stored_json(std::string_view json);

}  // namespace lugger
