// Inside plan/: the coercers, one function a kind, and what they share.
#pragma once
#include "plan/coercer.hpp"
#include "value/decimal.hpp"

namespace lugger {

Failure coerce_bool(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_int(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_float(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_numeric(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_text(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_other(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_bytea(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_uuid(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_date(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_time(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_timestamp(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_interval(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_json(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_array(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_vector(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_halfvec(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_sparsevec(Coercer& c, const Value& in, Value& out, Arena& arena);
Failure coerce_bits(Coercer& c, const Value& in, Value& out, Arena& arena);
/// uuid and text with policy.ref: the id, or the _id text, of the document that the value names.
Failure coerce_reference(Coercer& c, const Value& in, Value& out, Arena& arena);

inline constexpr uint16_t kOldBinary = 2, kOldUuid = 3, kUuidBinary = 4;  // BSON subtypes
inline constexpr size_t kMaxFieldBytes = 0x3FFFFFFF;  // MaxAllocSize of the server

inline Failure null_out(Value& out) noexcept {
  out = Value::null();
  return Failure::kNone;
}

inline bool is_text(ValueType type) noexcept {
  return type == ValueType::kString || type == ValueType::kSymbol || type == ValueType::kPgText;
}

/// The text of a string as the policy reads it: trimmed when asked. True: it reads as null.
bool read_text(const CoercePolicy& policy, const Value& in, std::string_view& text) noexcept;

/// NaN or an infinity met a column; type_has_it: the type can hold it. kNone: either out is null,
/// or the caller keeps the value.
inline Failure non_finite(const CoercePolicy& policy, bool type_has_it, bool& keep,
                          Value& out) noexcept {
  keep = policy.non_finite == CoercePolicy::NonFinite::kKeep && type_has_it;
  if (keep) return Failure::kNone;
  return policy.non_finite == CoercePolicy::NonFinite::kNull ? null_out(out) : Failure::kNonFinite;
}

/// Number, decimal or numeric as digits; false for any other type.
bool number_digits(const Value& in, DecimalDigits& digits);

/// The 16 bytes of a UUID in RFC order, from uuid, subtype 4 and, by policy, subtype 3.
bool uuid_bytes(const CoercePolicy& policy, const Value& in, uint8_t* out16) noexcept;

/// Binary's payload: subtype 2 repeats its length inside.
Bytes binary_payload(const Value& in) noexcept;

/// Canonical text of a scalar: hex, ISO, shortest numbers, base64. False for types that have none
/// (documents, arrays, regexes ...).
bool append_scalar_text(const Value& value, ByteBuffer& out);

Failure from_json_fault(JsonFault fault) noexcept;

/// A one-dimensional array literal's element: quoted when it must be.
void append_array_element(std::string_view text, ByteBuffer& out);

/// vector[] and halfvec[]. Their OIDs differ by database: they are text, {"[1,2]","[3,4]"}.
inline bool is_vector_array(const ColumnType& type) noexcept {
  return type.kind == Kind::kOther && type.sql.ends_with("[]") &&
         (type.element == Kind::kVector || type.element == Kind::kHalfvec);
}
/// Lists of vectors and such text, in one spelling. False: `in` is neither.
bool coerce_vectors(Coercer& c, const Value& in, Value& out, Arena& arena, Failure& failure);

/// Numbers of an array, a packed vector, vector text or a PostgreSQL array as host floats, any
/// count.
Failure to_floats(Coercer& c, const Value& in, Value& out, Arena& arena);

}  // namespace lugger
