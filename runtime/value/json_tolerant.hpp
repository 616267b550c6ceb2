// What legacy tools and the MongoDB shell wrote and JSON does not have, rewritten as canonical
// Extended JSON.
#pragma once
#include <string>
#include <string_view>

#include "value/bson_reader.hpp"
#include "value/json_scan.hpp"

namespace lugger::json {

/// Of simdjson's parsers: wrappers stand around what BSON holds.
inline constexpr size_t kParserDepth = kMaxBsonDepth + 8;

/// Whether there may be a number in it that is smaller than any double, and not zero: simdjson reads
/// that as 0.
bool may_hold_tiny_number(std::string_view text);

/// Reads one value that fills `text` and appends it to `out` as strict JSON. Beyond JSON it knows:
/// NaN, Infinity, +Infinity, -Infinity, undefined, MinKey, MaxKey; 'single quotes' (with \' in
/// them) and bare field names; Go's escapes \a, \v, \xHH and \UHHHHHHHH in $code and $symbol;
/// ObjectId(), ISODate(), new Date(), NumberLong(), NumberInt(), NumberDecimal(), Timestamp(t, i),
/// BinData(subtype, base64), UUID(). Numbers that neither int64 nor a double holds become
/// {"$numberDecimal": "..."}. Throws Mistake at the first byte that is none of this. False: met
/// something that JSON does not have.
bool rewrite_tolerant(std::string_view text, std::string& out);

}  // namespace lugger::json
