// Applies an update of the oplog to a document, with the same result as on the server that wrote
// it, including the order of fields.
#pragma once
#include <string_view>

#include "value/bson_reader.hpp"

namespace lugger {

/// kReplacement: a whole document. kModifiers: {$v: 1, $set, $unset}. kDelta: {$v: 2, diff}.
enum class UpdateKind : uint8_t { kReplacement, kModifiers, kDelta, kUnknown };
UpdateKind update_kind(Bytes update) noexcept;

enum class ApplyFault : uint8_t {
  kNone,
  kMalformed,        // bytes that are no BSON, in the document or the update
  kUnknownVersion,   // neither $v: 1 nor $v: 2
  kUnknownOperator,  // a modifier that is neither $set nor $unset
  kUnknownSection,   // a key of a diff that has no meaning
  kConflict,         // one field changed twice
  kBadArray,         // indices of an array diff that do not ascend, or lie outside of its size
  kTooLarge,         // beyond what a document may hold
  kTooDeep,
};
std::string_view fault_text(ApplyFault fault) noexcept;

/// Appends the document as it is after the update; after a fault, nothing is appended. A document
/// may be newer than the update; the result is then the same as on the server: a part whose type
/// has changed becomes null or is unchanged, and a later entry of the same oplog corrects it.
ApplyFault apply_update(Bytes document, Bytes update, ByteBuffer& out);

/// The two kinds of updates, for apply_update(). After a fault, what they appended must be
/// discarded.
ApplyFault apply_delta(Bytes document, Bytes diff, ByteBuffer& out);
ApplyFault apply_modifiers(Bytes document, Bytes update, ByteBuffer& out);

}  // namespace lugger
