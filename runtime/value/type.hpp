// The closed list of value types: what BSON has, and what a column's coercer makes of it.
#pragma once
#include <cstdint>
#include <string_view>

namespace lugger {

// X(name, number, word shown to users). Numbers are part of bindings/abi.h: append, never renumber.
// "data" below is Value::data with Value::size bytes, not owned.
#define LUGGER_VALUE_TYPES(X)                                                  \
  X(Missing, 0, "missing") /* no such field */                                 \
  X(Null, 1, "null")                                                           \
  X(Undefined, 2, "undefined")                                                 \
  X(Bool, 3, "bool")                    /* i64: 0 or 1 */                      \
  X(Int32, 4, "int32")                  /* i64 */                              \
  X(Int64, 5, "int64")                  /* i64 */                              \
  X(Double, 6, "double")                /* f64 */                              \
  X(Decimal, 7, "decimal")              /* data: 16 bytes, BSON decimal128 */  \
  X(String, 8, "string")                /* data: UTF-8 without the final 00 */ \
  X(Binary, 9, "binary")                /* data; aux = BSON subtype */         \
  X(ObjectId, 10, "objectId")           /* data: 12 bytes */                   \
  X(Date, 11, "date")                   /* i64: Unix milliseconds */           \
  X(Regex, 12, "regex")                 /* data: pattern 00 options 00 */      \
  X(DbPointer, 13, "dbPointer")         /* data: as in BSON */                 \
  X(Code, 14, "code")                   /* data: source text */                \
  X(Symbol, 15, "symbol")               /* data: text */                       \
  X(CodeWithScope, 16, "codeWithScope") /* data: as in BSON, total included */ \
  X(Timestamp, 17, "timestamp")         /* i64: seconds << 32 | increment */   \
  X(MinKey, 18, "minKey")                                                      \
  X(MaxKey, 19, "maxKey")                                                      \
  X(Document, 20, "document")      /* data: BSON */                            \
  X(Array, 21, "array")            /* data: BSON */                            \
  X(Numeric, 22, "numeric")        /* data: PostgreSQL binary numeric */       \
  X(Uuid, 23, "uuid")              /* data: 16 bytes */                        \
  X(Day, 24, "day")                /* i64: days since 2000-01-01 */            \
  X(Time, 25, "time")              /* i64: microseconds since midnight */      \
  X(Micros, 26, "timestamptz")     /* i64: us since 2000-01-01 UTC */          \
  X(Interval, 27, "interval")      /* data: 16 bytes, PostgreSQL binary */     \
  X(Json, 28, "json")              /* data: JSON text */                       \
  X(Vector, 29, "vector")          /* data: host float32; size = 4n */         \
  X(HalfVector, 30, "halfvec")     /* data: host float16 bits; 2n */           \
  X(SparseVector, 31, "sparsevec") /* data: pgvector binary */                 \
  X(Bits, 32, "bit")               /* data: PostgreSQL binary bit */           \
  X(PgArray, 33, "pgarray")        /* data: PostgreSQL binary array */         \
  X(PgText, 34, "pgtext")          /* data: text form the server casts */

enum class ValueType : uint8_t {
#define LUGGER_X(name, number, word) k##name = number,
  LUGGER_VALUE_TYPES(LUGGER_X)
#undef LUGGER_X
};

inline constexpr int kValueTypes = 35;

/// The word messages, scripts and docs use for a type.
constexpr std::string_view type_word(ValueType type) noexcept {
  switch (type) {
#define LUGGER_X(name, number, word) \
  case ValueType::k##name: return word;
    LUGGER_VALUE_TYPES(LUGGER_X)
#undef LUGGER_X
  }
  return "unknown";
}

}  // namespace lugger
