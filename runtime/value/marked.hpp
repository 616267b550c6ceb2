// Values that no BSON type holds, inside lugger's own documents: numbers of more than 34 digits,
// times with microseconds, and PostgreSQL's calendar days, intervals and vectors.
#pragma once
#include "value/value.hpp"

namespace lugger {

/// They are binaries with this subtype: "lugger ", the word for the type, NUL, and the value (days
/// and times as int64, little endian; others as Value has them).
inline constexpr uint8_t kMarkedSubtype = 0xE5;

/// True for the types that are stored so.
bool is_marked_type(ValueType type) noexcept;

/// Appends what such a binary holds, and its size as BSON has it in front.
void append_marked(const Value& value, ByteBuffer& out);

/// The value in such a binary; kMissing when it is an ordinary one. The value points into it.
Value marked_value(Bytes binary) noexcept;

}  // namespace lugger
