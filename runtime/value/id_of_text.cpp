// Reads an _id from its canonical text; the inverse of append_id_text().
#include <charconv>
#include <limits>
#include <optional>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "value/bson_reader.hpp"
#include "value/bson_writer.hpp"
#include "value/id_text.hpp"
#include "value/typed_json.hpp"

namespace lugger {

namespace {

template <typename T>
std::optional<T> whole(std::string_view text) {
  T out = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return out;
}

bool put(const Value& value, ByteBuffer& out) {
  BsonWriter writer(out);
  writer.begin_document();
  writer.append("", value);
  writer.end();
  return true;
}

bool put_json(std::string_view json, ByteBuffer& out) {
  out.append(bson_from_typed_json(json, TypedForm::kIdText));
  return true;
}

bool put_number(std::string_view digits, ByteBuffer& out) {
  using Limits = std::numeric_limits<double>;
  if (digits == "NaN") return put(Value::of_double(Limits::quiet_NaN()), out);
  if (digits == "Infinity") return put(Value::of_double(Limits::infinity()), out);
  if (digits == "-Infinity") return put(Value::of_double(-Limits::infinity()), out);
  return put_json(digits, out);
}

/// "03:AAH/": subtype and base64.
bool put_binary(std::string_view text, ByteBuffer& out) {
  if (text.size() < 3 || text[2] != ':') return false;
  const auto subtype = from_hex(text.substr(0, 2)), bytes = from_base64(text.substr(3));
  if (!subtype || !bytes) return false;
  return put(
      Value::of(ValueType::kBinary, as_bytes(*bytes), static_cast<uint8_t>(subtype->front())), out);
}

bool put_timestamp(std::string_view text, ByteBuffer& out) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const auto seconds = whole<uint32_t>(text.substr(0, colon)),
             increment = whole<uint32_t>(text.substr(colon + 1));
  if (!seconds || !increment) return false;
  return put(
      Value::of(ValueType::kTimestamp, static_cast<int64_t>(uint64_t{*seconds} << 32 | *increment)),
      out);
}

bool put_tagged(std::string_view text, ByteBuffer& out) {
  if (text == "$null") return put(Value::null(), out);
  if (text == "$min") return put(Value::of(ValueType::kMinKey, 0), out);
  if (text == "$max") return put(Value::of(ValueType::kMaxKey, 0), out);
  if (text.size() < 3 || text[2] != ':') return false;
  const std::string_view rest = text.substr(3);
  switch (text[1]) {
    case 's': return put(Value::of(ValueType::kString, rest), out);
    case 'n': return put_number(rest, out);
    case 'b':
      if (rest != "true" && rest != "false") return false;
      return put(Value::of(ValueType::kBool, rest == "true" ? 1 : 0), out);
    case 'd': {
      const auto ms = whole<int64_t>(rest);
      return ms && put(Value::of(ValueType::kDate, *ms), out);
    }
    case 'u': {
      uint8_t uuid[16];
      return parse_uuid(rest, uuid) && put(Value::of(ValueType::kBinary, Bytes(uuid), 4), out);
    }
    case 'x': return put_binary(rest, out);
    case 't': return put_timestamp(rest, out);
    case 'o':
    case 'r':
    case 'p':
    case 'c':
    case 'k': return put_json(rest, out);
    default: return false;
  }
}

bool parse(std::string_view text, ByteBuffer& out) {
  if (text.starts_with('$')) return put_tagged(text, out);
  if (text.size() == 24) {
    if (const auto bytes = from_hex(text))
      return put(Value::of(ValueType::kObjectId, as_bytes(*bytes)), out);
  }
  return put(Value::of(ValueType::kString, text), out);
}

}  // namespace

bool append_id_of_text(std::string_view text, ByteBuffer& out) {
  const size_t start = out.size();
  try {
    if (parse(text, out)) {
      // Accept only what append_id_text() writes: it never writes an upper-case uuid or "$n:1.0".
      ByteBuffer again;
      const Bytes made = out.view().subspan(start);
      if (append_id_text(bson_field(made, ""), IdStyle::kSafe, again) && again.text() == text)
        return true;
    }
  } catch (const Error&) {  // JSON that is none
  }
  out.truncate(start);
  return false;
}

}  // namespace lugger
