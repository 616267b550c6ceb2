// Rewrites text of legacy tools and the MongoDB shell that is not valid JSON as canonical Extended
// JSON.
#pragma once
#include <string>
#include <string_view>

#include "value/bson_reader.hpp"
#include "value/json_reader.hpp"
#include "value/json_scan.hpp"

namespace lugger::json {

/// For simdjson's parsers: wrappers add levels to the nesting that BSON allows.
inline constexpr size_t kParserDepth = kMaxBsonDepth + 8;

/// True when the text may contain a number that is not zero but too small for a double: simdjson
/// reads it as 0.
bool may_hold_tiny_number(std::string_view text);

/// True when the text may contain the number -0: simdjson reads it as an integer, without its sign.
bool may_hold_minus_zero(std::string_view text);

/// True when the text may contain a number of more digits than every double gives back.
bool may_hold_long_number(std::string_view text);

/// Reads one value that takes up all of `text`, and appends it to `out` as strict JSON. Beyond JSON
/// it accepts: NaN, Infinity, +Infinity, -Infinity, undefined, MinKey, MaxKey; 'single quotes'
/// (with \' in them) and bare field names; Go's escapes \a, \v, \xHH and \UHHHHHHHH in $code and
/// $symbol; ObjectId(), ISODate(), new Date(), NumberLong(), NumberInt(), NumberDecimal(),
/// Timestamp(t, i), BinData(subtype, base64), UUID(). Numbers that fit neither int64 nor double
/// become {"$numberDecimal": "..."}, -0 becomes -0.0, with JsonNumbers::kExact also those that a double would
/// round. Throws Mistake at the first byte that is none of these. False:
/// the text contained something that is not JSON.
bool rewrite_tolerant(std::string_view text, std::string& out,
                      JsonNumbers numbers = JsonNumbers::kDoubles);

}  // namespace lugger::json
