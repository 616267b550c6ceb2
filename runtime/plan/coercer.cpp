#include "plan/coercer.hpp"

#include "plan/coerce.hpp"

namespace lugger {

namespace {

/// The text that reads as null is refused by no type.
Failure coerce_unless_empty(Coercer& c, const Value& in, Value& out, Arena& arena) {
  std::string_view text;
  if (is_text(in.type) && read_text(c.policy(), in, text)) return null_out(out);
  return coerce_function(c.type().kind)(c, in, out, arena);
}

}  // namespace

Coercer::Coercer(const ColumnType& type, const CoercePolicy& policy)
    : type_(type), policy_(policy), fn_(coerce_function(type.kind)) {
  if (policy.strict && policy.empty_null) fn_ = coerce_unless_empty;
  if (policy.ref && !type.is_array()) fn_ = coerce_reference;
  if (type.is_array() || is_vector_array(type))
    element_ = std::make_unique<Coercer>(type.element_type(), policy);
}

Coercer::Fn coerce_function(Kind kind) noexcept {
  switch (kind) {
    case Kind::kBool: return coerce_bool;
    case Kind::kInt2:
    case Kind::kInt4:
    case Kind::kInt8: return coerce_int;
    case Kind::kFloat4:
    case Kind::kFloat8: return coerce_float;
    case Kind::kNumeric: return coerce_numeric;
    case Kind::kText:
    case Kind::kVarchar:
    case Kind::kChar: return coerce_text;
    case Kind::kBytea: return coerce_bytea;
    case Kind::kUuid: return coerce_uuid;
    case Kind::kDate: return coerce_date;
    case Kind::kTime: return coerce_time;
    case Kind::kTimestamp:
    case Kind::kTimestamptz: return coerce_timestamp;
    case Kind::kInterval: return coerce_interval;
    case Kind::kJson:
    case Kind::kJsonb: return coerce_json;
    case Kind::kVector: return coerce_vector;
    case Kind::kHalfvec: return coerce_halfvec;
    case Kind::kSparsevec: return coerce_sparsevec;
    case Kind::kBit:
    case Kind::kVarbit: return coerce_bits;
    case Kind::kArray: return coerce_array;
    case Kind::kOther: return coerce_other;
  }
  return coerce_other;
}

Failure from_json_fault(JsonFault fault) noexcept {
  switch (fault) {
    case JsonFault::kNone: return Failure::kNone;
    case JsonFault::kNul: return Failure::kNul;
    case JsonFault::kUtf8: return Failure::kUtf8;
    case JsonFault::kNonFinite: return Failure::kNonFinite;
    case JsonFault::kTooDeep: return Failure::kTooDeep;
    case JsonFault::kMalformed: return Failure::kMalformed;
  }
  return Failure::kMalformed;
}

}  // namespace lugger
