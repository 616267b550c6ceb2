// One value as JSON, into an ArenaWriter or a ByteBuffer: the implementation behind write_json()
// and document_json().
#pragma once
#include "value/bson_reader.hpp"
#include "value/datetime.hpp"
#include "value/decimal.hpp"
#include "value/json_text.hpp"

namespace lugger::json {

/// How to write: the style, and what to do with what json columns cannot hold.
struct Rules {
  JsonStyle style = JsonStyle::kCanonical;
  TextRules text;
  JsonPolicy::NonFinite non_finite = JsonPolicy::NonFinite::kText;

  bool plain() const noexcept { return style == JsonStyle::kPlain; }
  bool canonical() const noexcept { return style == JsonStyle::kCanonical; }
  bool relaxed() const noexcept { return style == JsonStyle::kRelaxed; }
  bool typed() const noexcept { return style == JsonStyle::kTyped; }
};

/// Values that BSON does not have (numeric, uuid, vector, PostgreSQL arrays, ...), into a scratch
/// buffer.
JsonFault write_pg_value(const Value& value, const Rules& rules, ByteBuffer& out);

template <typename Out>
class Emitter {
 public:
  Emitter(Out& out, const Rules& rules) : out_(out), rules_(rules) {}

  JsonFault emit(const Value& value, int depth) {
    switch (value.type) {
      case ValueType::kMissing:
      case ValueType::kNull: return text("null");
      case ValueType::kUndefined: return text(rules_.plain() ? "null" : R"({"$undefined":true})");
      case ValueType::kBool: return text(value.i64 != 0 ? "true" : "false");
      case ValueType::kInt32: return int32(value.i64);
      case ValueType::kInt64: return int64(value.i64);
      case ValueType::kDouble: return number(value.f64);
      case ValueType::kDecimal: return decimal(value);
      case ValueType::kString: return string(value.text());
      case ValueType::kDocument: return document(value.bytes(), depth);
      case ValueType::kArray: return array(value.bytes(), depth);
      case ValueType::kObjectId: return object_id(value.data);
      case ValueType::kDate: return date(value.i64);
      case ValueType::kBinary: return binary(value);
      case ValueType::kRegex: return regex(value);
      case ValueType::kCode: return named_text("$code", value.text());
      case ValueType::kSymbol: return named_text("$symbol", value.text());
      case ValueType::kCodeWithScope: return code_with_scope(value, depth);
      case ValueType::kTimestamp: return timestamp(static_cast<uint64_t>(value.i64));
      case ValueType::kDbPointer: return db_pointer(value);
      case ValueType::kMinKey: return text(R"({"$minKey":1})");
      case ValueType::kMaxKey: return text(R"({"$maxKey":1})");
      default: return other(value);
    }
  }

  JsonFault document(Bytes bytes, int depth) {
    if (!rules_.typed() || !is_like_a_tag(bytes)) return fields(bytes, depth);
    out_.append(R"({"$document":)");
    const JsonFault fault = fields(bytes, depth);
    out_.push('}');
    return fault;
  }

 private:
  /// True for a document of the source itself that looks like {"$oid": "..."}, and so could not be
  /// told from an ObjectId later.
  static bool is_like_a_tag(Bytes bytes) noexcept {
    constexpr size_t kFirstName = 5;  // behind the length and the first type
    if (bytes.size() <= kFirstName || bytes[kFirstName] != '$') return false;
    static constexpr std::string_view kTags[] = {
        "$oid",      "$date",   "$numberInt",         "$numberLong", "$numberDouble",
        "$binary",   "$code",   "$regularExpression", "$scope",      "$numberDecimal",
        "$symbol",   "$minKey", "$timestamp",         "$maxKey",     "$dbPointer",
        "$document", "$string", "$undefined"};
    BsonReader reader(bytes);
    if (!reader.next()) return false;
    return std::find(std::begin(kTags), std::end(kTags), reader.name()) != std::end(kTags);
  }

  JsonFault fields(Bytes bytes, int depth) {
    if (depth >= kMaxBsonDepth) return JsonFault::kTooDeep;
    BsonReader reader(bytes);
    char before[] = "{\"";
    while (reader.next()) {
      JsonFault fault = write_quoted(out_, reader.name(), rules_.text, before, "\":");
      if (fault != JsonFault::kNone) return fault;
      before[0] = ',';
      fault = emit(reader.value(), depth + 1);
      if (fault != JsonFault::kNone) return fault;
    }
    out_.append(before[0] == '{' ? "{}" : "}");
    return ended(reader);
  }

  static JsonFault ended(const BsonReader& reader) noexcept {
    return reader.fault() == BsonFault::kNone ? JsonFault::kNone : JsonFault::kMalformed;
  }

  JsonFault text(std::string_view words) {
    out_.append(words);
    return JsonFault::kNone;
  }

  JsonFault string(std::string_view words) {
    const size_t before = out_.size();
    const JsonFault fault = write_string(out_, words, rules_.text);
    const bool tagged = (fault == JsonFault::kNul && rules_.text.nul == TextRule::kTag) ||
                        (fault == JsonFault::kUtf8 && rules_.text.utf8 == TextRule::kTag);
    if (!tagged) return fault;
    out_.truncate(before);
    out_.append(R"({"$string":{"base64":")");
    out_.append(to_base64(as_bytes(words)));
    return text(R"("}})");
  }

  JsonFault array(Bytes bytes, int depth) {
    if (depth >= kMaxBsonDepth) return JsonFault::kTooDeep;
    BsonReader reader(bytes);
    char before = '[';
    while (reader.next()) {
      out_.push(static_cast<uint8_t>(before));
      before = ',';
      const JsonFault fault = emit(reader.value(), depth + 1);
      if (fault != JsonFault::kNone) return fault;
    }
    if (before == '[') out_.push('[');
    out_.push(']');
    return ended(reader);
  }

  JsonFault wrapped_integer(std::string_view open, int64_t number) {
    out_.append(open);
    write_integer(out_, number);
    return text("\"}");
  }

  JsonFault int32(int64_t number) {
    if (rules_.canonical()) return wrapped_integer(R"({"$numberInt":")", number);
    write_integer(out_, number);
    return JsonFault::kNone;
  }

  // A bare integer is read back as int32 if it fits, so a small int64 needs its wrapper.
  JsonFault int64(int64_t number) {
    const bool small = number >= INT32_MIN && number <= INT32_MAX;
    if (rules_.canonical() || (rules_.typed() && small)) {
      return wrapped_integer(R"({"$numberLong":")", number);
    }
    write_integer(out_, number);
    return JsonFault::kNone;
  }

  JsonFault non_finite(std::string_view name) {
    switch (rules_.non_finite) {
      case JsonPolicy::NonFinite::kReject: return JsonFault::kNonFinite;
      case JsonPolicy::NonFinite::kNull: return text("null");
      case JsonPolicy::NonFinite::kText: break;
    }
    out_.push('"');
    out_.append(name);
    return text("\"");
  }

  JsonFault number(double number) {
    const bool finite = std::isfinite(number);
    if (rules_.plain() && finite) return write_shortest(out_, number), JsonFault::kNone;
    if (rules_.typed() && finite && number != std::trunc(number)) {
      return write_shortest(out_, number), JsonFault::kNone;
    }
    char digits[32];
    const std::string_view shown{digits, format_extended_double(number, digits)};
    if (rules_.plain()) return non_finite(shown);
    if (rules_.relaxed() && finite) return text(shown);
    return named_clean("$numberDouble", shown);
  }

  JsonFault decimal(const Value& value) {
    char digits[kDecimal128Chars];
    const std::string_view shown{digits, decimal128_chars(value.data, digits)};
    if (!rules_.plain()) return named_clean("$numberDecimal", shown);
    const char last = shown.back();
    return last >= '0' && last <= '9' ? text(shown) : non_finite(shown);
  }

  /// {"$key":"clean"}: for text that needs no escape.
  JsonFault named_clean(std::string_view key, std::string_view clean) {
    out_.append("{\"");
    out_.append(key);
    out_.append("\":\"");
    out_.append(clean);
    return text("\"}");
  }

  JsonFault named_text(std::string_view key, std::string_view words) {
    if (rules_.plain()) return string(words);
    out_.append("{\"");
    out_.append(key);
    out_.append("\":");
    const JsonFault fault = string(words);
    out_.push('}');
    return fault;
  }

  void quoted_hex(const uint8_t* bytes12) {
    auto* to = reinterpret_cast<char*>(out_.room(26));
    to[0] = to[25] = '"';
    to_hex(Bytes{bytes12, 12}, to + 1);
    out_.advance(26);
  }

  JsonFault object_id(const uint8_t* bytes12) {
    if (rules_.plain()) return quoted_hex(bytes12), JsonFault::kNone;
    out_.append(R"({"$oid":)");
    quoted_hex(bytes12);
    return text("}");
  }

  /// A date outside the years 0 to 9999, with three decimals as all others.
  static size_t far_iso(int64_t unix_ms, char* out) {
    size_t size = iso_chars(unix_ms, out);
    if (unix_ms % 1000 != 0) return size;
    std::memcpy(out + size - 1, ".000Z", 5);
    return size + 4;
  }

  JsonFault date(int64_t unix_ms) {
    char iso[kTimeChars];
    if (rules_.plain()) {
      out_.push('"');
      out_.append(iso, format_iso_ms(unix_ms, iso) ? 24 : far_iso(unix_ms, iso));
      return text("\"");
    }
    constexpr int64_t kYear10000 = 253402300800000;
    if (rules_.relaxed() && unix_ms >= 0 && unix_ms < kYear10000) {
      return named_clean("$date", {iso, iso_chars(unix_ms, iso)});
    }
    wrapped_integer(R"({"$date":{"$numberLong":")", unix_ms);
    return text("}");
  }

  JsonFault binary(const Value& value) {
    if (rules_.plain()) {
      if (value.aux == 4 && value.size == 16) return uuid(value.data);
      out_.push('"');
      out_.append(to_base64(value.bytes()));
      return text("\"");
    }
    out_.append(R"({"$binary":{"base64":")");
    out_.append(to_base64(value.bytes()));
    out_.append(R"(","subType":")");
    const auto subtype = static_cast<uint8_t>(value.aux);
    to_hex(Bytes{&subtype, 1}, reinterpret_cast<char*>(out_.room(2)));
    out_.advance(2);
    return text("\"}}");
  }

  JsonFault uuid(const uint8_t* bytes16) {
    auto* to = reinterpret_cast<char*>(out_.room(38));
    to[0] = to[37] = '"';
    format_uuid(bytes16, to + 1);
    out_.advance(38);
    return JsonFault::kNone;
  }

  JsonFault regex(const Value& value) {
    const BsonPair parts = split_regex(value);
    const bool plain = rules_.plain();
    out_.append(plain ? R"("/)" : R"({"$regularExpression":{"pattern":")");
    JsonFault fault = write_text(out_, parts.first, rules_.text);
    if (fault != JsonFault::kNone) return fault;
    out_.append(plain ? "/" : R"(","options":")");
    fault = write_text(out_, as_text(parts.second), rules_.text);
    out_.append(plain ? "\"" : "\"}}");
    return fault;
  }

  JsonFault code_with_scope(const Value& value, int depth) {
    const BsonPair parts = split_code_with_scope(value);
    out_.append(R"({"$code":)");
    JsonFault fault = string(parts.first);
    if (fault != JsonFault::kNone) return fault;
    out_.append(R"(,"$scope":)");
    fault = document(parts.second, depth + 1);
    out_.push('}');
    return fault;
  }

  JsonFault timestamp(uint64_t value) {
    if (!rules_.plain()) out_.append(R"({"$timestamp":)");
    out_.append(R"({"t":)");
    write_integer(out_, static_cast<int64_t>(value >> 32));
    out_.append(R"(,"i":)");
    write_integer(out_, static_cast<int64_t>(value & 0xFFFFFFFF));
    return text(rules_.plain() ? "}" : "}}");
  }

  JsonFault db_pointer(const Value& value) {
    const BsonPair parts = split_db_pointer(value);
    out_.append(R"({"$dbPointer":{"$ref":)");
    const JsonFault fault = string(parts.first);
    if (fault != JsonFault::kNone) return fault;
    out_.append(R"(,"$id":{"$oid":)");
    quoted_hex(parts.second.data());
    return text("}}}");
  }

  JsonFault other(const Value& value) {
    if (value.type == ValueType::kUuid && rules_.plain()) return uuid(value.data);
    ByteBuffer scratch;
    const JsonFault fault = write_pg_value(value, rules_, scratch);
    if (fault == JsonFault::kNone) out_.append(scratch.view());
    return fault;
  }

  Out& out_;
  const Rules& rules_;
};

}  // namespace lugger::json
