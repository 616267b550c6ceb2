// An _id as bytes for lookups: equal bytes exactly when MongoDB finds the ids equal.
#pragma once
#include "value/value.hpp"

namespace lugger {

/// Replaces what `out` holds. False: not the _id of any document (missing, malformed).
bool make_id_key(const Value& id, ByteBuffer& out);
/// The same for every process and every run.
uint64_t hash_of(Bytes key) noexcept;

}  // namespace lugger
