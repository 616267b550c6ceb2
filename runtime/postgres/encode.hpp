// Encodes a coerced slot as a COPY BINARY field: int32 length and bytes, -1 for NULL. One function
// for each type.
#pragma once
#include "base/bytes.hpp"
#include "plan/column_type.hpp"
#include "value/value.hpp"

namespace lugger {

/// Appends one field. Error{bug} when the slot does not hold what its column's coercer promises
/// (plan/coercer.hpp).
using EncodeField = void (*)(const Value&, ByteBuffer&);

/// The encoder for a kind. For kOther it writes text, for a staging column that the server casts.
EncodeField field_encoder(Kind kind) noexcept;

}  // namespace lugger
