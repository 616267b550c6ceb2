// Turns a source value into a column's type. Bound once per column, called once per value.
#pragma once
#include "base/arena.hpp"
#include "plan/column.hpp"
#include "plan/failure.hpp"

namespace lugger {

/// What a coercer writes, by the column's kind:
///   bool kBool; int2/4/8 kInt64; float4/8 kDouble; numeric kNumeric; text/varchar/char kString;
///   bytea kBinary; uuid kUuid; date kDay; time kTime; timestamp, timestamptz kMicros; interval
///   kInterval; json, jsonb kJson; vector kVector; halfvec kHalfVector; sparsevec kSparseVector;
///   bit, varbit kBits; arrays kPgArray (element OIDs of the built-in types); any other type
///   kPgText.
/// SQL NULL is kNull. Missing and null come in as they are and leave as kNull (json_null apart);
/// `required` and `default` are the plan's business. Strings may point into the source document:
/// nothing is copied that need not be.
class Coercer {
 public:
  Coercer(const ColumnType& type, const CoercePolicy& policy);

  Failure operator()(const Value& in, Value& out, Arena& arena) {
    return fn_(*this, in, out, arena);
  }
  const ColumnType& type() const noexcept { return type_; }
  const CoercePolicy& policy() const noexcept { return policy_; }
  /// Scratch for the coercers themselves; a coercer belongs to one worker.
  DecimalDigits& digits() noexcept { return digits_; }
  ByteBuffer& buffer() noexcept { return buffer_; }
  /// Arrays: the element's coercer.
  Coercer* element() noexcept { return element_.get(); }

  using Fn = Failure (*)(Coercer&, const Value&, Value&, Arena&);

 private:
  ColumnType type_;
  CoercePolicy policy_;
  Fn fn_;
  DecimalDigits digits_;
  ByteBuffer buffer_;
  std::unique_ptr<Coercer> element_;
};

/// The function for a kind; one table, in coerce.cpp, which docs/types.md is printed from.
Coercer::Fn coerce_function(Kind kind) noexcept;

/// A coerced value as text PostgreSQL would read for that type ("2026-03-11T09:30:00Z", "{1,2}",
/// "[1,2.5]"), for previews, rejects, JSON lines, traces.
std::string coerced_text(const Value& value, const ColumnType& type);
/// The same as JSON: numbers bare, json as it is, arrays as arrays, text quoted. NULL is null.
void write_coerced_json(const Value& value, const ColumnType& type, std::string& out);

/// What happens to one BSON type in one kind of column under default policy, in words: "exact",
/// "canonical text", "reject". For docs/types.md, computed by running the coercer on samples of the
/// type, never written by hand.
std::string types_table_markdown();

}  // namespace lugger
