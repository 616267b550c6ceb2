// Values as JSON: what a jsonb column gets, Extended JSON for rejects and JSON lines, and what
// people read in a terminal.
#pragma once
#include "base/arena.hpp"
#include "value/document.hpp"

namespace lugger {

/// kCanonical, kRelaxed: Extended JSON v2. kPlain: what an application expects in jsonb: ObjectId
/// as its hex digits, dates as ISO text, decimals as exact JSON numbers, binary as base64 text,
/// uuid as text (docs/types.md has the whole table). kTyped: kPlain where JSON can say the value,
/// otherwise the canonical {"$type": ...} form, so that the document can be rebuilt; a document of
/// the source that looks like such a form stands in {"$document": ...}.
enum class JsonStyle : uint8_t { kCanonical, kRelaxed, kPlain, kTyped };

/// What to do with values that PostgreSQL's json types cannot store.
struct JsonPolicy {
  /// kReplace: with U+FFFD. kTag, only in kTyped: writes the whole string as {"$string": {"base64":
  /// ...}}, so that nothing is lost; names of fields and patterns cannot be tagged, and are
  /// refused.
  enum class Text : uint8_t { kReject, kStrip, kReplace, kTag };
  Text nul = Text::kReject;
  Text utf8 = Text::kReject;
  enum class NonFinite : uint8_t { kReject, kNull, kText } non_finite = NonFinite::kReject;
};

enum class JsonFault : uint8_t { kNone, kNul, kUtf8, kNonFinite, kTooDeep, kMalformed };

/// Appends one value. On a fault the writer's size is back where it was. Duplicate keys are written
/// as they are.
JsonFault write_json(const Value& value, JsonStyle style, const JsonPolicy& policy,
                     ArenaWriter& out);
JsonFault write_json(const Value& value, JsonStyle style, const JsonPolicy& policy,
                     ByteBuffer& out);
/// A whole document of any format, as canonical Extended JSON with nothing refused: for rejects,
/// messages, terminals. A malformed BSON document becomes {"$malformed": "<hex>", "error": "..."}.
std::string document_json(const Document& document, JsonStyle style = JsonStyle::kCanonical);
std::string value_json(const Value& value, JsonStyle style = JsonStyle::kRelaxed);

/// `"text"` with escapes, no policy: control characters and NUL as \u00XX, invalid bytes as U+FFFD.
void write_json_string(std::string_view text, std::string& out);

}  // namespace lugger
