#include "change/apply.hpp"

#include "value/bson_writer.hpp"

namespace lugger {

UpdateKind update_kind(Bytes update) noexcept {
  BsonReader reader(update);
  if (!reader.next() || !reader.name().starts_with('$')) return UpdateKind::kReplacement;
  const Value version = bson_field(update, "$v");
  if (version.type == ValueType::kMissing) return UpdateKind::kModifiers;
  if (version.type != ValueType::kInt32 && version.type != ValueType::kInt64)
    return UpdateKind::kUnknown;
  if (version.i64 == 1) return UpdateKind::kModifiers;
  return version.i64 == 2 ? UpdateKind::kDelta : UpdateKind::kUnknown;
}

std::string_view fault_text(ApplyFault fault) noexcept {
  switch (fault) {
    case ApplyFault::kNone: return "nothing is wrong";
    case ApplyFault::kMalformed: return "the bytes are no BSON";
    case ApplyFault::kUnknownVersion: return "its $v is neither 1 nor 2";
    case ApplyFault::kUnknownOperator: return "it has an operator other than $set and $unset";
    case ApplyFault::kUnknownSection: return "its diff has a key of no known meaning";
    case ApplyFault::kConflict: return "it changes one field twice";
    case ApplyFault::kBadArray: return "its changes to an array are out of order";
    case ApplyFault::kTooLarge: return "the document would be larger than MongoDB allows";
    case ApplyFault::kTooDeep: return "it is nested too deep";
  }
  return "unknown";
}

namespace {

// A replacement that does not repeat the _id keeps the one there is.
ApplyFault replace(Bytes document, Bytes update, ByteBuffer& out) {
  const Value id = bson_field(document, "_id");
  if (id.type == ValueType::kMissing || bson_field(update, "_id").type != ValueType::kMissing) {
    out.append(update);
    return ApplyFault::kNone;
  }
  BsonWriter writer(out);
  writer.begin_document();
  writer.append("_id", id);
  BsonReader reader(update);
  while (reader.next()) writer.append_element(reader.element());
  writer.end();
  return reader.fault() == BsonFault::kNone ? ApplyFault::kNone : ApplyFault::kMalformed;
}

ApplyFault apply(Bytes document, Bytes update, ByteBuffer& out) {
  switch (update_kind(update)) {
    case UpdateKind::kReplacement: return replace(document, update, out);
    case UpdateKind::kModifiers: return apply_modifiers(document, update, out);
    case UpdateKind::kDelta: {
      const Value diff = bson_field(update, "diff");
      if (diff.type != ValueType::kDocument) return ApplyFault::kUnknownSection;
      return apply_delta(document, diff.bytes(), out);
    }
    case UpdateKind::kUnknown: break;
  }
  return ApplyFault::kUnknownVersion;
}

}  // namespace

ApplyFault apply_update(Bytes document, Bytes update, ByteBuffer& out) {
  const size_t before = out.size();
  ApplyFault fault = apply(document, update, out);
  if (fault == ApplyFault::kNone && out.size() - before > kMaxBsonBytes)
    fault = ApplyFault::kTooLarge;
  if (fault != ApplyFault::kNone) out.truncate(before);
  return fault;
}

}  // namespace lugger
