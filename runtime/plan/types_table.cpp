// docs/types.md's table: what the coercers do with samples of every BSON type, seen by running
// them.
#include <fmt/format.h>

#include <array>

#include "plan/coercer.hpp"
#include "value/bson_reader.hpp"
#include "value/json_reader.hpp"

namespace lugger {

namespace {

// Ordinary values of each type and those that a column may have to refuse.
constexpr std::string_view kSamples = R"json({
 "bool": [true, false],
 "int32": [{"$numberInt": "0"}, {"$numberInt": "1"}, {"$numberInt": "-7"}, {"$numberInt": "2147483647"}],
 "int64": [{"$numberLong": "1"}, {"$numberLong": "9007199254740993"}, {"$numberLong": "-9223372036854775808"}],
 "double": [{"$numberDouble": "1.0"}, {"$numberDouble": "9.99"}, {"$numberDouble": "1e300"}, {"$numberDouble": "NaN"}],
 "decimal": [{"$numberDecimal": "1"}, {"$numberDecimal": "1234567890.123456789012345678901234"}, {"$numberDecimal": "NaN"}],
 "string": ["1", "12abc", "2026-03-11T00:00:00Z", "00112233-4455-6677-8899-aabbccddeeff", "[1,2]", "\\x00ff", "true",
  "1 day", "01"],
 "symbol": [{"$symbol": "1"}, {"$symbol": "red"}],
 "objectId": [{"$oid": "64f1c0a1b2c3d4e5f6071829"}],
 "date": [{"$date": {"$numberLong": "0"}}, {"$date": {"$numberLong": "1773221400123"}}, {"$date": {"$numberLong": "9223372036854775807"}}],
 "timestamp": [{"$timestamp": {"t": 1773221400, "i": 1}}],
 "binary": [{"$binary": {"base64": "AAH/", "subType": "00"}}],
 "uuid (subtype 4)": [{"$binary": {"base64": "ABEiM0RVZneImaq7zN3u/w==", "subType": "04"}}],
 "uuid (subtype 3)": [{"$binary": {"base64": "ABEiM0RVZneImaq7zN3u/w==", "subType": "03"}}],
 "vector (subtype 9)": [{"$binary": {"base64": "JwAAAIA/AAAAQA==", "subType": "09"}}, {"$binary": {"base64": "AwABAg==", "subType": "09"}}],
 "document": [{"a": {"$numberInt": "1"}}, {}],
 "array": [[{"$numberInt": "1"}, {"$numberDouble": "2.0"}], ["a", null], []],
 "regex": [{"$regularExpression": {"pattern": "^a", "options": "i"}}],
 "code": [{"$code": "return 1"}],
 "codeWithScope": [{"$code": "return x", "$scope": {"x": {"$numberInt": "1"}}}],
 "dbPointer": [{"$dbPointer": {"$ref": "shop.users", "$id": {"$oid": "64f1c0a1b2c3d4e5f6071829"}}}],
 "minKey": [{"$minKey": 1}],
 "maxKey": [{"$maxKey": 1}],
 "null": [null],
 "undefined": [{"$undefined": true}]
})json";

constexpr std::array<std::string_view, 16> kColumns = {
    "bool", "int4",        "int8",     "numeric", "float8", "text",   "bytea",  "uuid",
    "date", "timestamptz", "interval", "jsonb",   "vector", "bit(2)", "text[]", "float8[]"};

struct Outcome {
  int passed = 0, refused = 0, null = 0;
};

Outcome run(Coercer& coercer, Bytes samples, Arena& arena) {
  Outcome out;
  for (BsonReader reader(samples); reader.next();) {
    Value value;
    if (coercer(reader.value(), value, arena) != Failure::kNone) {
      ++out.refused;
    } else {
      ++(value.type == ValueType::kNull ? out.null : out.passed);
    }
  }
  return out;
}

/// Every policy at its most permissive: what is refused even then is refused for good.
CoercePolicy permissive() {
  CoercePolicy policy;
  policy.fraction = CoercePolicy::Fraction::kRound;
  policy.non_finite = CoercePolicy::NonFinite::kKeep;
  policy.out_of_range = CoercePolicy::Range::kInfinity;
  policy.epoch = CoercePolicy::Epoch::kSeconds;
  policy.old_uuid = CoercePolicy::OldUuid::kJava;
  return policy;
}

std::string_view summary(const Outcome& normal, const Outcome& lenient, std::string_view source,
                         Kind kind) {
  if (normal.passed + normal.refused == 0) return "NULL";
  if (normal.passed == 0) return lenient.passed > 0 ? "by policy" : "reject";
  if (normal.refused > 0) return "checked";
  if (kind == Kind::kJsonb) return "JSON";
  if (kind == Kind::kText && source != "string" && source != "symbol" && source != "code")
    return "canonical text";
  return "exact";
}

}  // namespace

std::string types_table_markdown() {
  const std::string samples = bson_from_json(kSamples);
  std::string out = "| from \\ to |";
  for (const std::string_view column : kColumns) out += fmt::format(" {} |", column);
  out += "\n|---|";
  for (size_t i = 0; i < kColumns.size(); ++i) out += "---|";
  out += "\n";
  Arena arena;
  for (BsonReader rows(as_bytes(samples)); rows.next();) {
    out += fmt::format("| {} |", rows.name());
    for (const std::string_view column : kColumns) {
      const ColumnType type = parse_column_type(column);
      Coercer normal(type, {}), lenient(type, permissive());
      const Outcome usual = run(normal, rows.value().bytes(), arena),
                    most = run(lenient, rows.value().bytes(), arena);
      out += fmt::format(" {} |", summary(usual, most, rows.name(), type.kind));
    }
    out += "\n";
  }
  return out;
}

}  // namespace lugger
