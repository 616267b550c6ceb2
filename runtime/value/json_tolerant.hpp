// What legacy tools and the MongoDB shell wrote and JSON does not have, rewritten as canonical
// Extended JSON.
#pragma once
#include <string>
#include <string_view>

#include "value/json_scan.hpp"

namespace lugger::json {

/// Reads one value that fills `text` and appends it to `out` as strict JSON. Beyond JSON it knows:
/// NaN, Infinity, +Infinity, -Infinity, undefined, MinKey, MaxKey; integers too large for 64 bits;
/// 'single quotes' and bare field names; the escapes \xHH (U+00HH, as in JavaScript), \a, \v, \',
/// \0 and Go's \UHHHHHHHH; ObjectId(), ISODate(), new Date(), NumberLong(), NumberInt(),
/// NumberDecimal(), Timestamp(t, i), BinData(subtype, base64), UUID(). Throws Mistake at the first
/// byte that is none of this.
void rewrite_tolerant(std::string_view text, std::string& out);

}  // namespace lugger::json
