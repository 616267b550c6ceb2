// A coerced slot as a COPY BINARY field: int32 length and bytes, -1 for NULL. One function a type.
#pragma once
#include "base/bytes.hpp"
#include "plan/column_type.hpp"
#include "value/value.hpp"

namespace lugger {

/// Appends one field. A slot that does not hold what its column's coercer promises
/// (plan/coercer.hpp) is Error{bug}.
using EncodeField = void (*)(const Value&, ByteBuffer&);

/// The encoder of a kind; kOther gives text, for a staging column that the server casts.
EncodeField field_encoder(Kind kind) noexcept;

}  // namespace lugger
