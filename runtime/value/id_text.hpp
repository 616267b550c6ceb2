// Any _id as text: two ids are the same text exactly when MongoDB holds them equal. docs/id-text.md
// has the forms and test vectors.
#pragma once
#include <string>

#include "base/bytes.hpp"
#include "value/value.hpp"

namespace lugger {

/// kSafe: the ObjectId's 24 lowercase hex digits; a string as itself unless it is 24 hex digits or
/// begins with "$" (then "$s:" + string); numbers equal in MongoDB share one "$n:" + shortest exact
/// decimal ("$n:1", "$n:0.5", "$n:NaN", "$n:Infinity"); others by tag: $null $b:true $d:<unix ms>
/// $u:<uuid> (subtype 4) $x:<subtype hex>:<base64> $t:<seconds>:<increment> $min $max $o:<canonical
/// Extended JSON> (documents; numbers inside normalised as above) $r $p $c $k for regex, DBPointer,
/// code, symbol as canonical Extended JSON. kPlain: what an application's _id.toString() gives:
/// hex, the string itself, the number's digits, the uuid, ISO date.
enum class IdStyle : uint8_t { kSafe, kPlain };

/// Appends the text. False: the value cannot be an id text (missing, undefined, NUL inside a
/// string, malformed).
bool append_id_text(const Value& id, IdStyle style, ByteBuffer& out);

/// The inverse for kSafe: appends BSON {"": id} with an id that has this text. A number becomes an
/// int, long, double or decimal that MongoDB finds equal to the original. False: no id has this
/// text.
bool append_id_of_text(std::string_view text, ByteBuffer& out);

}  // namespace lugger
