// text, varchar, char, and text that the server casts; bytea and uuid.
#include <algorithm>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "plan/coerce.hpp"
#include "value/bson_reader.hpp"
#include "value/pgrow_reader.hpp"

namespace lugger {

namespace {

constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;

/// No byte is NUL or above 127: eight bytes at a time.
bool plain_ascii(std::string_view text) noexcept {
  const char* at = text.data();
  size_t left = text.size();
  for (; left >= 8; left -= 8, at += 8) {
    const auto word = load_le<uint64_t>(at);
    if (((word | (word - kOnes)) & kHighs) != 0) return false;
  }
  for (; left > 0; --left, ++at)
    if (*at <= 0) return false;
  return true;
}
static_assert(static_cast<char>(0x80) < 0, "bytes above 127 are taken for negative chars");

size_t character_bytes(char lead) noexcept {
  const auto byte = static_cast<uint8_t>(lead);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// Bytes of the first n characters of valid UTF-8.
size_t prefix_of(std::string_view text, size_t n) noexcept {
  size_t at = 0;
  for (; n > 0 && at < text.size(); --n) at += character_bytes(text[at]);
  return std::min(at, text.size());
}

/// NUL and bytes that are not UTF-8 by policy; text points into the arena when it had to change.
Failure clean_text(const CoercePolicy& policy, std::string_view& text, Arena& arena) {
  if (plain_ascii(text)) return Failure::kNone;
  const bool nul = text.find('\0') != std::string_view::npos, broken = !is_utf8(text);
  if (!nul && !broken) return Failure::kNone;
  const auto refuses = [](JsonPolicy::Text how) {  // a tag is for typed json alone
    return how == JsonPolicy::Text::kReject || how == JsonPolicy::Text::kTag;
  };
  if (nul && refuses(policy.nul)) return Failure::kNul;
  if (broken && refuses(policy.utf8)) return Failure::kUtf8;
  ArenaWriter out(arena, text.size() + 16);
  const auto handle = [&](JsonPolicy::Text how) {
    if (how == JsonPolicy::Text::kReplace) out.append("\xEF\xBF\xBD");
  };
  while (!text.empty()) {
    const size_t good = std::min(valid_utf8_prefix(text), text.find('\0'));
    out.append(text.substr(0, good));
    text.remove_prefix(good);
    if (text.empty()) break;
    handle(text[0] == '\0' ? policy.nul : policy.utf8);
    text.remove_prefix(1);
  }
  text = as_text(out.finish());
  return Failure::kNone;
}

Failure fit_length(const Coercer& c, std::string_view& text) noexcept {
  const auto length = static_cast<size_t>(c.type().length);
  if (length == 0 || text.size() <= length) return Failure::kNone;
  const size_t keep = prefix_of(text, length);
  if (keep == text.size()) return Failure::kNone;
  // SQL lets these go.
  const bool spaces = text.find_first_not_of(' ', keep) == std::string_view::npos;
  if (!spaces && !c.policy().truncate) return Failure::kTooLong;
  text = text.substr(0, keep);
  return Failure::kNone;
}

Failure finish_text(Coercer& c, std::string_view text, Value& out, Arena& arena) {
  if (text.size() > kMaxFieldBytes) return Failure::kTooBig;
  if (const Failure failure = clean_text(c.policy(), text, arena); failure != Failure::kNone)
    return failure;
  if (const Failure failure = fit_length(c, text); failure != Failure::kNone) return failure;
  out = Value::of(ValueType::kString, text);
  return Failure::kNone;
}

/// Documents and arrays as the column's JSON, other composites as Extended JSON.
Failure composite_text(Coercer& c, const Value& in, Arena& arena, std::string_view& text) {
  if (in.type == ValueType::kRegex) {
    const BsonPair pair = split_regex(in);
    ArenaWriter out(arena);
    out.push('/');
    out.append(pair.first);
    out.push('/');
    out.append(pair.second);
    text = as_text(out.finish());
    return Failure::kNone;
  }
  const bool nested = in.type == ValueType::kDocument || in.type == ValueType::kArray;
  JsonPolicy policy{c.policy().nul, c.policy().utf8, JsonPolicy::NonFinite::kText};
  ArenaWriter out(arena);
  const JsonFault fault =
      write_json(in, nested ? c.policy().json : JsonStyle::kRelaxed, policy, out);
  if (fault != JsonFault::kNone) return from_json_fault(fault);
  text = as_text(out.finish());
  return Failure::kNone;
}

void reorder_old_uuid(CoercePolicy::OldUuid order, uint8_t* bytes) noexcept {
  if (order == CoercePolicy::OldUuid::kJava) {
    std::reverse(bytes, bytes + 8);
    std::reverse(bytes + 8, bytes + 16);
  } else if (order == CoercePolicy::OldUuid::kCSharp) {
    std::reverse(bytes, bytes + 4);
    std::reverse(bytes + 4, bytes + 6);
    std::reverse(bytes + 6, bytes + 8);
  }
}

Failure enum_label(const Coercer& c, const Value& value) noexcept {
  const auto& labels = c.policy().labels;
  if (labels.empty() || std::find(labels.begin(), labels.end(), value.text()) != labels.end())
    return Failure::kNone;
  return Failure::kNotInEnum;
}

/// A BSON array into a type of which we only know that it is an array: {"a","b"}, cast by the
/// server.
Failure array_literal(Coercer& c, const Value& in, Value& out, Arena& arena) {
  ByteBuffer built;  // the buffer of the coercer serves its elements
  built.push('{');
  BsonReader reader(in.bytes());
  while (reader.next()) {
    if (built.size() > 1) built.push(',');
    const Value& element = reader.value();
    if (element.absent()) {
      built.append("NULL");
      continue;
    }
    Value text;
    if (element.type == ValueType::kArray || coerce_text(c, element, text, arena) != Failure::kNone)
      return Failure::kBadElement;
    if (const Failure failure = enum_label(c, text); failure != Failure::kNone) return failure;
    append_array_element(text.text(), built);
  }
  if (reader.fault() != BsonFault::kNone) return Failure::kMalformed;
  built.push('}');
  out = Value::of(ValueType::kPgText, arena.copy(built.text()));
  return Failure::kNone;
}

}  // namespace

bool read_text(const CoercePolicy& policy, const Value& in, std::string_view& text) noexcept {
  text = in.text();
  if (policy.trim) {
    const auto space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (!text.empty() && space(text.front())) text.remove_prefix(1);
    while (!text.empty() && space(text.back())) text.remove_suffix(1);
  }
  return policy.empty_null && text.empty();
}

Bytes binary_payload(const Value& in) noexcept {
  const Bytes bytes = in.bytes();
  const bool inner = in.aux == kOldBinary && bytes.size() >= 4 &&
                     load_le<uint32_t>(bytes.data()) == bytes.size() - 4;
  return inner ? bytes.subspan(4) : bytes;
}

bool uuid_bytes(const CoercePolicy& policy, const Value& in, uint8_t* out16) noexcept {
  if (in.size != 16) return false;
  const bool old = in.type == ValueType::kBinary && in.aux == kOldUuid &&
                   policy.old_uuid != CoercePolicy::OldUuid::kReject;
  if (in.type != ValueType::kUuid && !(in.type == ValueType::kBinary && in.aux == kUuidBinary) &&
      !old)
    return false;
  std::copy_n(in.data, 16, out16);
  if (old) reorder_old_uuid(policy.old_uuid, out16);
  return true;
}

Failure coerce_text(Coercer& c, const Value& in, Value& out, Arena& arena) {
  std::string_view text;
  if (is_text(in.type)) {
    if (read_text(c.policy(), in, text)) return null_out(out);
    return finish_text(c, text, out, arena);
  }
  if (in.absent()) return null_out(out);
  if (c.policy().strict) return Failure::kWrongType;
  if (in.type == ValueType::kCode || in.type == ValueType::kJson)
    return finish_text(c, in.text(), out, arena);
  ByteBuffer& buffer = c.buffer();
  buffer.clear();
  uint8_t uuid[16];
  if (in.type == ValueType::kBinary && uuid_bytes(c.policy(), in, uuid)) {
    append_scalar_text(Value::of(ValueType::kUuid, Bytes(uuid, 16)), buffer);
    text = arena.copy(buffer.text());
  } else if (in.type == ValueType::kDecimal && number_digits(in, c.digits())) {
    append_scientific(c.digits(), buffer);
    text = arena.copy(buffer.text());
  } else if (append_scalar_text(in, buffer)) {
    text = arena.copy(buffer.text());
  } else if (const Failure failure = composite_text(c, in, arena, text);
             failure != Failure::kNone) {
    return failure;
  }
  return finish_text(c, text, out, arena);
}

Failure coerce_other(Coercer& c, const Value& in, Value& out, Arena& arena) {
  Failure of_vectors = Failure::kNone;
  if (c.element() != nullptr && coerce_vectors(c, in, out, arena, of_vectors)) return of_vectors;
  if (in.type == ValueType::kArray && c.type().sql.ends_with("[]"))
    return array_literal(c, in, out, arena);
  const Failure failure = coerce_text(c, in, out, arena);
  if (failure != Failure::kNone || out.type == ValueType::kNull) return failure;
  out.type = ValueType::kPgText;
  return enum_label(c, out);
}

Failure coerce_bytea(Coercer& c, const Value& in, Value& out, Arena& arena) {
  switch (in.type) {
    case ValueType::kBinary:
      out = Value::of(ValueType::kBinary, binary_payload(in));
      return Failure::kNone;
    case ValueType::kMissing:
    case ValueType::kNull:
    case ValueType::kUndefined: return null_out(out);
    default: break;
  }
  if (c.policy().strict) return Failure::kWrongType;
  if (in.type == ValueType::kUuid || in.type == ValueType::kObjectId) {
    out = Value::of(ValueType::kBinary, in.bytes());
    return Failure::kNone;
  }
  if (!is_text(in.type)) return Failure::kWrongType;
  std::string_view text;
  if (read_text(c.policy(), in, text)) return null_out(out);
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return Failure::kSyntax;
  text.remove_prefix(2);
  uint8_t* bytes = arena.allocate(text.size() / 2);
  if (!from_hex(text, bytes)) return Failure::kSyntax;
  out = Value::of(ValueType::kBinary, Bytes(bytes, text.size() / 2));
  return Failure::kNone;
}

Failure coerce_uuid(Coercer& c, const Value& in, Value& out, Arena& arena) {
  if (in.absent()) return null_out(out);
  uint8_t uuid[16];
  if (uuid_bytes(c.policy(), in, uuid)) {
    const bool moved = in.aux == kOldUuid;
    out = Value::of(ValueType::kUuid, moved ? Bytes(arena.copy(Bytes(uuid, 16)), 16) : in.bytes());
    return Failure::kNone;
  }
  if (c.policy().strict || !is_text(in.type)) return Failure::kWrongType;
  std::string_view text;
  if (read_text(c.policy(), in, text)) return null_out(out);
  if (!parse_uuid(text, uuid)) return Failure::kSyntax;
  out = Value::of(ValueType::kUuid, Bytes(arena.copy(Bytes(uuid, 16)), 16));
  return Failure::kNone;
}

}  // namespace lugger
