// What an update of the oplog makes of a document: as the server that wrote it applies it, order of
// fields included.
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

/// Appends the document as it is after the update. On a fault nothing of it is kept. Applying an
/// entry to a document that is newer already gives what the server gives: a part whose type has
/// changed meanwhile becomes null or stays as it is, and a later entry of the same oplog mends it.
ApplyFault apply_update(Bytes document, Bytes update, ByteBuffer& out);

/// The two kinds, for apply_update(): what they append after a fault is of no use.
ApplyFault apply_delta(Bytes document, Bytes diff, ByteBuffer& out);
ApplyFault apply_modifiers(Bytes document, Bytes update, ByteBuffer& out);

}  // namespace lugger
