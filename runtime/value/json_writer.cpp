#include "value/json_writer.hpp"

#include <fmt/format.h>

#include "value/damaged.hpp"
#include "value/json_emitter.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {
namespace {

using json::TextRule;

TextRule text_rule(JsonPolicy::Text policy) noexcept {
  switch (policy) {
    case JsonPolicy::Text::kReject: return TextRule::kReject;
    case JsonPolicy::Text::kStrip: return TextRule::kStrip;
    case JsonPolicy::Text::kReplace: return TextRule::kReplace;
    case JsonPolicy::Text::kTag: return TextRule::kTag;
  }
  return TextRule::kReject;
}

template <typename Out>
JsonFault write(const Value& value, JsonStyle style, const JsonPolicy& policy, Out& out) {
  const json::Rules rules{
      style, {text_rule(policy.nul), text_rule(policy.utf8)}, policy.non_finite};
  const size_t before = out.size();
  const JsonFault fault = json::Emitter<Out>(out, rules).emit(value, 0);
  if (fault != JsonFault::kNone) out.truncate(before);
  return fault;
}

std::string malformed_json(Bytes bytes, std::string_view reason) {
  return fmt::format(R"({{"$malformed":"{}","error":"{}"}})", to_hex(bytes), reason);
}

/// Bytes that are not UTF-8 are replaced.
std::string damaged_json(const DamagedText& damaged) {
  std::string out = R"({"$text":)";
  write_json_string(damaged.text, out);
  out += R"(,"error":)";
  write_json_string(damaged.reason, out);
  return out + '}';
}

std::string row_json(const Document& document, const json::Rules& rules) {
  Arena arena(4096);
  ByteBuffer out;
  PgRowReader reader(document, arena);
  char before = '{';
  while (reader.next()) {
    out.push(static_cast<uint8_t>(before));
    before = ',';
    json::write_string(out, reader.name(), rules.text);
    out.push(':');
    if (json::Emitter<ByteBuffer>(out, rules).emit(reader.value(), 0) != JsonFault::kNone) {
      return malformed_json(document.bytes(), "a field that cannot be read");
    }
  }
  if (reader.malformed()) return malformed_json(document.bytes(), "a row that cannot be read");
  if (before == '{') out.push('{');
  out.push('}');
  return std::string(out.text());
}

}  // namespace

JsonFault write_json(const Value& value, JsonStyle style, const JsonPolicy& policy,
                     ArenaWriter& out) {
  return write(value, style, policy, out);
}

JsonFault write_json(const Value& value, JsonStyle style, const JsonPolicy& policy,
                     ByteBuffer& out) {
  return write(value, style, policy, out);
}

std::string document_json(const Document& document, JsonStyle style) {
  const json::Rules rules{style, {}, JsonPolicy::NonFinite::kText};
  if (document.format == Format::kPgRow) return row_json(document, rules);
  if (const auto damaged = damaged_text(document.bytes())) return damaged_json(*damaged);
  const BsonFault fault = validate_bson(document.bytes());
  if (fault != BsonFault::kNone) return malformed_json(document.bytes(), fault_text(fault));
  ByteBuffer out;
  json::Emitter<ByteBuffer>(out, rules).document(document.bytes(), 0);
  return std::string(out.text());
}

std::string value_json(const Value& value, JsonStyle style) {
  const json::Rules rules{style, {}, JsonPolicy::NonFinite::kText};
  ByteBuffer out;
  const JsonFault fault = json::Emitter<ByteBuffer>(out, rules).emit(value, 0);
  if (fault != JsonFault::kNone)
    return malformed_json(value.bytes(), "a value that cannot be read");
  return std::string(out.text());
}

void write_json_string(std::string_view text, std::string& out) {
  ByteBuffer buffer;
  json::write_string(buffer, text, {});
  out.append(buffer.text());
}

}  // namespace lugger
