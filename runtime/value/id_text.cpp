// These texts are stored in databases for years. So their format is written here in full,
// independent of the style of the JSON writer.
#include "value/id_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "value/bson_reader.hpp"
#include "value/datetime.hpp"
#include "value/decimal.hpp"

namespace lugger {

namespace {

constexpr uint8_t kSubtypeOld = 2, kSubtypeUuid = 4;

void append_int(int64_t value, ByteBuffer& out) {
  auto* room = reinterpret_cast<char*>(out.room(24));
  out.advance(static_cast<size_t>(std::to_chars(room, room + 24, value).ptr - room));
}

void append_hex(Bytes bytes, ByteBuffer& out) {
  to_hex(bytes, reinterpret_cast<char*>(out.room(2 * bytes.size())));
  out.advance(2 * bytes.size());
}

/// Old binary (subtype 2) repeats its length inside; what counts is the payload.
Bytes payload(const Value& value) noexcept {
  const Bytes bytes = value.bytes();
  const bool inner = value.aux == kSubtypeOld && bytes.size() >= 4 &&
                     load_le<uint32_t>(bytes.data()) == bytes.size() - 4;
  return inner ? bytes.subspan(4) : bytes;
}

bool is_uuid(const Value& value) noexcept {
  return value.type == ValueType::kUuid ||
         (value.type == ValueType::kBinary && value.aux == kSubtypeUuid && value.size == 16);
}

bool is_number(ValueType type) noexcept {
  return (type >= ValueType::kInt32 && type <= ValueType::kDecimal) || type == ValueType::kNumeric;
}

/// The same text for all numbers that MongoDB compares equal: a double is written with its exact
/// value.
void append_number(const Value& value, ByteBuffer& out) {
  if (value.type == ValueType::kInt32 || value.type == ValueType::kInt64)
    return append_int(value.i64, out);
  if (value.type == ValueType::kDouble && value.f64 >= -9e15 && value.f64 <= 9e15 &&
      value.f64 == static_cast<double>(static_cast<int64_t>(value.f64)))
    return append_int(static_cast<int64_t>(value.f64), out);
  DecimalDigits digits;
  if (value.type == ValueType::kDouble) decimal_from_double_exact(value.f64, digits);
  if (value.type == ValueType::kDecimal) decimal_from_bson(value.data, digits);
  if (value.type == ValueType::kNumeric) decimal_from_numeric(value.bytes(), digits);
  append_shortest(digits, out);
}

bool clean(std::string_view text) noexcept {
  return text.find('\0') == std::string_view::npos && is_utf8(text);
}

/// As JSON.stringify and PostgreSQL's to_json write it.
bool append_json_string(std::string_view text, ByteBuffer& out) {
  if (!clean(text)) return false;
  out.push('"');
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    constexpr std::string_view kFrom = "\"\\\b\f\n\r\t", kTo = "\"\\bfnrt";
    if (const size_t at = kFrom.find(c); at != std::string_view::npos) {
      out.push('\\');
      out.push(static_cast<uint8_t>(kTo[at]));
    } else if (byte < 0x20) {
      out.append("\\u00");
      append_hex({&byte, 1}, out);
    } else {
      out.push(byte);
    }
  }
  out.push('"');
  return true;
}

bool append_json(const Value& value, ByteBuffer& out, int depth);

bool append_json_members(const Value& value, ByteBuffer& out, int depth) {
  if (depth > kMaxBsonDepth) return false;
  const bool array = value.type == ValueType::kArray;
  out.push(array ? '[' : '{');
  bool first = true;
  BsonReader reader(value.bytes());
  while (reader.next()) {
    if (!first) out.push(',');
    first = false;
    if (!array) {
      if (!append_json_string(reader.name(), out)) return false;
      out.push(':');
    }
    if (!append_json(reader.value(), out, depth + 1)) return false;
  }
  out.push(array ? ']' : '}');
  return reader.fault() == BsonFault::kNone;
}

bool append_json_binary(const Value& value, ByteBuffer& out) {
  const bool uuid = value.type == ValueType::kUuid;
  const auto subtype = uuid ? kSubtypeUuid : static_cast<uint8_t>(value.aux);
  out.append("{\"$binary\":{\"base64\":\"");
  out.append(to_base64(payload(value)));
  out.append("\",\"subType\":\"");
  append_hex({&subtype, 1}, out);
  out.append("\"}}");
  return true;
}

/// {"key":"text"} with the text escaped.
bool append_wrapped(std::string_view key, std::string_view text, ByteBuffer& out) {
  out.append("{\"");
  out.append(key);
  out.append("\":");
  if (!append_json_string(text, out)) return false;
  out.push('}');
  return true;
}

bool append_json_composite(const Value& value, ByteBuffer& out, int depth) {
  switch (value.type) {
    case ValueType::kRegex: {
      const BsonPair pair = split_regex(value);
      out.append("{\"$regularExpression\":{\"pattern\":");
      if (!append_json_string(pair.first, out)) return false;
      out.append(",\"options\":");
      if (!append_json_string(as_text(pair.second), out)) return false;
      out.append("}}");
      return true;
    }
    case ValueType::kDbPointer: {
      const BsonPair pair = split_db_pointer(value);
      if (pair.second.size() != 12) return false;
      out.append("{\"$dbPointer\":{\"$ref\":");
      if (!append_json_string(pair.first, out)) return false;
      out.append(",\"$id\":{\"$oid\":\"");
      append_hex(pair.second, out);
      out.append("\"}}}");
      return true;
    }
    case ValueType::kCodeWithScope: {
      const BsonPair pair = split_code_with_scope(value);
      out.append("{\"$code\":");
      if (!append_json_string(pair.first, out)) return false;
      out.append(",\"$scope\":");
      if (!append_json_members(Value::of(ValueType::kDocument, pair.second), out, depth + 1))
        return false;
      out.push('}');
      return true;
    }
    case ValueType::kTimestamp:
      out.append("{\"$timestamp\":{\"t\":");
      append_int(static_cast<int64_t>(static_cast<uint64_t>(value.i64) >> 32), out);
      out.append(",\"i\":");
      append_int(value.i64 & 0xFFFFFFFF, out);
      out.append("}}");
      return true;
    default: return false;
  }
}

/// Canonical Extended JSON without spaces, except that a finite number is a bare token.
bool append_json(const Value& value, ByteBuffer& out, int depth) {
  if (is_number(value.type)) {
    const size_t start = out.size();
    append_number(value, out);
    const std::string special(out.text().substr(start));
    if (special != "NaN" && !special.ends_with("Infinity")) return true;
    out.truncate(start);
    return append_wrapped("$numberDouble", special, out);
  }
  switch (value.type) {
    case ValueType::kNull: out.append("null"); return true;
    case ValueType::kUndefined: out.append("{\"$undefined\":true}"); return true;
    case ValueType::kBool: out.append(value.i64 != 0 ? "true" : "false"); return true;
    case ValueType::kString: return append_json_string(value.text(), out);
    case ValueType::kSymbol: return append_wrapped("$symbol", value.text(), out);
    case ValueType::kCode: return append_wrapped("$code", value.text(), out);
    case ValueType::kObjectId:
      out.append("{\"$oid\":\"");
      append_hex(value.bytes(), out);
      out.append("\"}");
      return true;
    case ValueType::kDate:
      out.append("{\"$date\":{\"$numberLong\":\"");
      append_int(value.i64, out);
      out.append("\"}}");
      return true;
    case ValueType::kBinary:
    case ValueType::kUuid: return append_json_binary(value, out);
    case ValueType::kMicros: return append_json_string(timestamp_text(value.i64), out);
    case ValueType::kDay: return append_json_string(day_text(value.i64), out);
    case ValueType::kTime: return append_json_string(time_text(value.i64), out);
    case ValueType::kInterval: return append_json_string(interval_text(value.data), out);
    case ValueType::kMinKey: out.append("{\"$minKey\":1}"); return true;
    case ValueType::kMaxKey: out.append("{\"$maxKey\":1}"); return true;
    case ValueType::kDocument:
    case ValueType::kArray: return append_json_members(value, out, depth);
    default: return append_json_composite(value, out, depth);
  }
}

bool reads_as_other(std::string_view text) noexcept {
  if (text.starts_with('$')) return true;
  const auto hex = [](char c) {
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
  };
  return text.size() == 24 && std::all_of(text.begin(), text.end(), hex);
}

bool append_safe(const Value& id, ByteBuffer& out) {
  if (is_number(id.type)) {
    out.append("$n:");
    append_number(id, out);
    return true;
  }
  if (is_uuid(id)) {
    out.append("$u:");
    out.append(uuid_text(id.data));
    return true;
  }
  switch (id.type) {
    case ValueType::kNull: out.append("$null"); return true;
    case ValueType::kBool: out.append(id.i64 != 0 ? "$b:true" : "$b:false"); return true;
    case ValueType::kObjectId: append_hex(id.bytes(), out); return true;
    case ValueType::kString:
      if (!clean(id.text())) return false;
      if (reads_as_other(id.text())) out.append("$s:");
      out.append(id.bytes());
      return true;
    case ValueType::kDate:
      out.append("$d:");
      append_int(id.i64, out);
      return true;
    case ValueType::kBinary: {
      const auto subtype = static_cast<uint8_t>(id.aux);
      out.append("$x:");
      append_hex({&subtype, 1}, out);
      out.push(':');
      out.append(to_base64(payload(id)));
      return true;
    }
    case ValueType::kTimestamp:
      out.append("$t:");
      append_int(static_cast<int64_t>(static_cast<uint64_t>(id.i64) >> 32), out);
      out.push(':');
      append_int(id.i64 & 0xFFFFFFFF, out);
      return true;
    case ValueType::kMinKey: out.append("$min"); return true;
    case ValueType::kMaxKey: out.append("$max"); return true;
    case ValueType::kDocument:
    case ValueType::kArray: out.append("$o:"); return append_json(id, out, 0);
    case ValueType::kRegex: out.append("$r:"); return append_json(id, out, 0);
    case ValueType::kDbPointer: out.append("$p:"); return append_json(id, out, 0);
    case ValueType::kCode:
    case ValueType::kCodeWithScope: out.append("$c:"); return append_json(id, out, 0);
    case ValueType::kSymbol: out.append("$k:"); return append_json(id, out, 0);
    default: return false;
  }
}

/// Date.prototype.toISOString(): always milliseconds; years outside 0..9999 have a sign and six
/// digits.
void append_js_date(int64_t ms, ByteBuffer& out) {
  constexpr int64_t kJsLimit = 8640000000000000, kMsPerDay = 86400000;
  if (ms > kJsLimit || ms < -kJsLimit) return append_int(ms, out);
  const int64_t days = ms / kMsPerDay - (ms % kMsPerDay < 0 ? 1 : 0);
  const int64_t rest = ms - days * kMsPerDay;
  const CivilDay day = civil_from_days(days);
  auto* room = reinterpret_cast<char*>(out.room(48));
  char* end = day.year >= 0 && day.year <= 9999
                  ? fmt::format_to(room, "{:04}", day.year)
                  : fmt::format_to(room, "{}{:06}", day.year < 0 ? '-' : '+',
                                   day.year < 0 ? -day.year : day.year);
  end = fmt::format_to(end, "-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", day.month, day.day,
                       rest / 3600000, rest / 60000 % 60, rest / 1000 % 60, rest % 1000);
  out.advance(static_cast<size_t>(end - room));
}

bool append_plain_id(const Value& id, ByteBuffer& out) {
  if (is_uuid(id)) {
    out.append(uuid_text(id.data));
    return true;
  }
  switch (id.type) {
    case ValueType::kNull: out.append("null"); return true;
    case ValueType::kBool: out.append(id.i64 != 0 ? "true" : "false"); return true;
    case ValueType::kInt32:
    case ValueType::kInt64: append_int(id.i64, out); return true;
    case ValueType::kDouble: {
      auto* room = reinterpret_cast<char*>(out.room(kDoubleChars));
      out.advance(double_chars(id.f64 == 0 ? 0.0 : id.f64, room));
      return true;
    }
    case ValueType::kDecimal:
    case ValueType::kNumeric: {
      DecimalDigits digits;
      id.type == ValueType::kDecimal ? decimal_from_bson(id.data, digits)
                                     : decimal_from_numeric(id.bytes(), digits);
      append_scientific(digits, out);
      return true;
    }
    case ValueType::kString:
      if (!clean(id.text())) return false;
      out.append(id.bytes());
      return true;
    case ValueType::kDate: append_js_date(id.i64, out); return true;
    default: return append_safe(id, out);
  }
}

}  // namespace

bool append_id_text(const Value& id, IdStyle style, ByteBuffer& out) {
  const size_t start = out.size();
  const bool good = style == IdStyle::kSafe ? append_safe(id, out) : append_plain_id(id, out);
  if (!good) out.truncate(start);
  return good;
}

}  // namespace lugger
