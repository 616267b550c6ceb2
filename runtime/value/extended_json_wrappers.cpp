// One function a wrapper of Extended JSON: its keys, what they must hold, and the BSON value it
// stands for.
#include <fmt/format.h>

#include <charconv>

#include "base/text.hpp"
#include "value/datetime.hpp"
#include "value/extended_json.hpp"

namespace lugger::json {
namespace {

template <typename Number>
bool read_number(std::string_view text, Number& out) noexcept {
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, out);
  return read.ec == std::errc{} && read.ptr == end;
}

constexpr std::string_view kOid = R"({"$oid": "24 hex digits"})";
constexpr std::string_view kDate =
    R"({"$date": "ISO 8601 text"}, {"$date": {"$numberLong": "milliseconds"}} or {"$date": milliseconds})";
constexpr std::string_view kBinary = R"({"$binary": {"base64": "...", "subType": "hex digits"}})";
constexpr std::string_view kLegacyBinary = R"({"$binary": "base64", "$type": "hex digits"})";
constexpr std::string_view kRegex =
    R"({"$regularExpression": {"pattern": "...", "options": "..."}})";
constexpr std::string_view kTimestamp =
    R"({"$timestamp": {"t": seconds, "i": increment}}, both uint32)";
constexpr std::string_view kCode = R"({"$code": "..."} or {"$code": "...", "$scope": {...}})";
constexpr std::string_view kDbPointer =
    R"({"$dbPointer": {"$ref": "...", "$id": {"$oid": "..."}}})";

}  // namespace

// The first key of an object decides: every wrapper's keys begin with '$', in any order. Those of a
// query or a DBRef stay documents.
const ExtendedJsonWriter::Wrapper ExtendedJsonWriter::kWrappers[] = {
    {"$oid", &ExtendedJsonWriter::object_id},
    {"$numberInt", &ExtendedJsonWriter::int32},
    {"$numberLong", &ExtendedJsonWriter::int64},
    {"$date", &ExtendedJsonWriter::date},
    {"$numberDouble", &ExtendedJsonWriter::number_double},
    {"$numberDecimal", &ExtendedJsonWriter::decimal},
    {"$binary", &ExtendedJsonWriter::binary},
    {"$type", &ExtendedJsonWriter::legacy_binary},
    {"$uuid", &ExtendedJsonWriter::uuid},
    {"$regularExpression", &ExtendedJsonWriter::regex},
    {"$regex", &ExtendedJsonWriter::legacy_regex},
    {"$options", &ExtendedJsonWriter::legacy_regex},
    {"$timestamp", &ExtendedJsonWriter::timestamp},
    {"$code", &ExtendedJsonWriter::code},
    {"$scope", &ExtendedJsonWriter::code},
    {"$symbol", &ExtendedJsonWriter::symbol},
    {"$dbPointer", &ExtendedJsonWriter::db_pointer},
    {"$undefined", &ExtendedJsonWriter::undefined},
    {"$minKey", &ExtendedJsonWriter::min_key},
    {"$maxKey", &ExtendedJsonWriter::max_key},
};

bool ExtendedJsonWriter::wrapper(const Slot& slot, Object object, int depth) {
  const auto first = object.begin();
  if (!(first != object.end())) return false;
  const std::string_view key = first.key();
  if (key.empty() || key[0] != '$') return false;
  for (const Wrapper& known : kWrappers) {
    if (known.key == key) return (this->*known.handler)(slot, object, depth);
  }
  return false;
}

std::string_view ExtendedJsonWriter::text(Object object, std::string_view key,
                                          std::string_view expected) const {
  std::string_view out;
  if (object.at_key(key).get(out) != simdjson::SUCCESS) refuse(expected);
  return out;
}

std::string_view ExtendedJsonWriter::only_text(Object object, std::string_view key,
                                               std::string_view expected) const {
  if (object.size() != 1) refuse(expected);
  return text(object, key, expected);
}

ExtendedJsonWriter::Object ExtendedJsonWriter::inner(Object object, std::string_view key,
                                                     size_t size, std::string_view expected) {
  Object out;
  if (object.at_key(key).get(out) != simdjson::SUCCESS || out.size() != size) refuse(expected);
  ++objects_;
  return out;
}

std::array<uint8_t, 12> ExtendedJsonWriter::oid_bytes(std::string_view hex,
                                                      std::string_view expected) const {
  std::array<uint8_t, 12> bytes;
  if (hex.size() != 24 || !from_hex(hex, bytes.data())) refuse(expected);
  return bytes;
}

bool ExtendedJsonWriter::object_id(const Slot& slot, Object object, int) {
  const auto bytes = oid_bytes(only_text(object, "$oid", kOid), kOid);
  put(slot, Value::of(ValueType::kObjectId, Bytes(bytes)));
  return true;
}

bool ExtendedJsonWriter::int32(const Slot& slot, Object object, int) {
  constexpr std::string_view kExpected = R"({"$numberInt": "a 32-bit integer"})";
  int32_t number = 0;
  if (!read_number(only_text(object, "$numberInt", kExpected), number)) refuse(kExpected);
  put(slot, Value::of(ValueType::kInt32, number));
  return true;
}

int64_t ExtendedJsonWriter::long_text(Object object, std::string_view expected) const {
  int64_t number = 0;
  if (!read_number(only_text(object, "$numberLong", expected), number)) refuse(expected);
  return number;
}

bool ExtendedJsonWriter::int64(const Slot& slot, Object object, int) {
  const int64_t number = long_text(object, R"({"$numberLong": "a 64-bit integer"})");
  put(slot, Value::of(ValueType::kInt64, number));
  return true;
}

bool ExtendedJsonWriter::number_double(const Slot& slot, Object object, int) {
  constexpr std::string_view kExpected =
      R"({"$numberDouble": "a number, NaN, Infinity or -Infinity"})";
  const std::string_view shown = only_text(object, "$numberDouble", kExpected);
  double number = std::numeric_limits<double>::infinity();
  if (shown == "NaN") {
    number = std::numeric_limits<double>::quiet_NaN();
  } else if (shown == "-Infinity") {
    number = -number;
  } else if (shown != "Infinity") {
    const bool word = shown.find_first_of("nN") != std::string_view::npos;
    if (word || !read_number(shown, number)) refuse(kExpected);
  }
  put(slot, Value::of_double(number));
  return true;
}

bool ExtendedJsonWriter::decimal(const Slot& slot, Object object, int) {
  constexpr std::string_view kExpected =
      R"({"$numberDecimal": "a number that numeric can hold, NaN or Infinity"})";
  if (!decimal_text(slot, only_text(object, "$numberDecimal", kExpected))) refuse(kExpected);
  return true;
}

bool ExtendedJsonWriter::date(const Slot& slot, Object object, int) {
  if (object.size() != 1) refuse(kDate);
  const Element held = object.at_key("$date").value_unsafe();
  std::string_view iso;
  int64_t ms = 0;
  if (held.get(iso) == simdjson::SUCCESS) {
    const bool word = iso.empty() || (iso[0] >= 'A' && iso[0] <= 'z');  // "epoch", "infinity"
    const auto micros = word ? std::nullopt : parse_timestamp(iso);
    const auto read = micros ? unix_ms_from_micros(*micros) : std::nullopt;
    if (!read) refuse(kDate);
    if (*micros % 1000 != 0) {  // finer than a date of BSON
      put(slot, Value::of(ValueType::kMicros, *micros));
      return true;
    }
    ms = *read;
  } else if (held.is_object()) {
    ms = long_text(inner(object, "$date", 1, kDate), kDate);
  } else if (held.get(ms) != simdjson::SUCCESS) {
    refuse(kDate);
  }
  put(slot, Value::of(ValueType::kDate, ms));
  return true;
}

void ExtendedJsonWriter::put_binary(const Slot& slot, std::string_view base64,
                                    std::string_view subtype) {
  const auto bytes = from_base64(base64);
  if (!bytes) refuse("base64 text in $binary");
  unsigned number = 0;
  const char* const end = subtype.data() + subtype.size();
  const auto read = std::from_chars(subtype.data(), end, number, 16);
  if (subtype.size() > 2 || read.ec != std::errc{} || read.ptr != end) {
    refuse("one or two hex digits as the subtype of $binary");
  }
  put(slot, Value::of(ValueType::kBinary, as_bytes(*bytes), static_cast<uint16_t>(number)));
}

bool ExtendedJsonWriter::binary(const Slot& slot, Object object, int) {
  if (object.size() == 2) {
    put_binary(slot, text(object, "$binary", kLegacyBinary), text(object, "$type", kLegacyBinary));
    return true;
  }
  if (object.size() != 1) refuse(kBinary);
  const Object held = inner(object, "$binary", 2, kBinary);
  put_binary(slot, text(held, "base64", kBinary), text(held, "subType", kBinary));
  return true;
}

bool ExtendedJsonWriter::legacy_binary(const Slot& slot, Object object, int depth) {
  const bool alone = object.at_key("$binary").error() != simdjson::SUCCESS;
  return !alone && binary(slot, object, depth);
}

bool ExtendedJsonWriter::uuid(const Slot& slot, Object object, int) {
  constexpr std::string_view kExpected = R"({"$uuid": "8-4-4-4-12 hex digits"})";
  const std::string_view shown = only_text(object, "$uuid", kExpected);
  const auto dash = [shown](size_t at) { return shown[at] == '-'; };
  if (shown.size() != 36 || !dash(8) || !dash(13) || !dash(18) || !dash(23)) refuse(kExpected);
  char hex[36];
  const char* const end =
      std::copy_if(shown.begin(), shown.end(), hex, [](char c) { return c != '-'; });
  uint8_t bytes[16];
  if (end != hex + 32 || !from_hex({hex, 32}, bytes)) refuse(kExpected);
  put(slot, Value::of(ValueType::kBinary, Bytes(bytes), 4));
  return true;
}

void ExtendedJsonWriter::put_regex(const Slot& slot, std::string_view pattern,
                                   std::string_view options) {
  constexpr auto kNone = std::string_view::npos;
  if (pattern.find('\0') != kNone || options.find('\0') != kNone) {
    refuse("a regular expression without NUL characters");
  }
  scratch_.clear();
  scratch_.append(pattern);
  scratch_.push(0);
  scratch_.append(options);
  scratch_.push(0);
  put(slot, Value::of(ValueType::kRegex, scratch_.view()));
}

bool ExtendedJsonWriter::regex(const Slot& slot, Object object, int) {
  if (object.size() != 1) refuse(kRegex);
  const Object held = inner(object, "$regularExpression", 2, kRegex);
  put_regex(slot, text(held, "pattern", kRegex), text(held, "options", kRegex));
  return true;
}

// {"$regex": ...} is also a query operator: only two strings make the legacy wrapper.
bool ExtendedJsonWriter::legacy_regex(const Slot& slot, Object object, int) {
  std::string_view pattern, options;
  if (object.size() != 2 || object.at_key("$regex").get(pattern) != simdjson::SUCCESS ||
      object.at_key("$options").get(options) != simdjson::SUCCESS) {
    return false;
  }
  put_regex(slot, pattern, options);
  return true;
}

bool ExtendedJsonWriter::timestamp(const Slot& slot, Object object, int) {
  if (object.size() != 1) refuse(kTimestamp);
  const Object held = inner(object, "$timestamp", 2, kTimestamp);
  uint64_t seconds = 0, increment = 0;
  if (held.at_key("t").get(seconds) != simdjson::SUCCESS || seconds > UINT32_MAX ||
      held.at_key("i").get(increment) != simdjson::SUCCESS || increment > UINT32_MAX) {
    refuse(kTimestamp);
  }
  put(slot, Value::of(ValueType::kTimestamp, static_cast<int64_t>(seconds << 32 | increment)));
  return true;
}

bool ExtendedJsonWriter::code(const Slot& slot, Object object, int depth) {
  if (object.at_key("$code").error() != simdjson::SUCCESS) return false;  // {"$scope": ...} alone
  const std::string_view source = text(object, "$code", kCode);
  if (object.size() == 1) {
    put(slot, Value::of(ValueType::kCode, source));
    return true;
  }
  Object scope;
  if (object.size() != 2 || object.at_key("$scope").get(scope) != simdjson::SUCCESS) refuse(kCode);
  ++objects_;
  ByteBuffer bytes;  // scopes may hold code with scope
  bytes.append_le<int32_t>(0);
  bytes.append_le(static_cast<int32_t>(source.size() + 1));
  bytes.append(source);
  bytes.push(0);
  BsonWriter writer(bytes);
  BsonWriter* const outer = std::exchange(writer_, &writer);
  writer.begin_document();
  fields(scope, depth + 1);
  writer.end();
  writer_ = outer;
  store_le(bytes.data(), static_cast<int32_t>(bytes.size()));
  put(slot, Value::of(ValueType::kCodeWithScope, bytes.view()));
  return true;
}

bool ExtendedJsonWriter::symbol(const Slot& slot, Object object, int) {
  put(slot, Value::of(ValueType::kSymbol, only_text(object, "$symbol", R"({"$symbol": "..."})")));
  return true;
}

bool ExtendedJsonWriter::db_pointer(const Slot& slot, Object object, int) {
  if (object.size() != 1) refuse(kDbPointer);
  const Object held = inner(object, "$dbPointer", 2, kDbPointer);
  const std::string_view ns = text(held, "$ref", kDbPointer);
  const Object id = inner(held, "$id", 1, kDbPointer);
  const auto oid = oid_bytes(text(id, "$oid", kDbPointer), kDbPointer);
  scratch_.clear();
  scratch_.append_le(static_cast<int32_t>(ns.size() + 1));
  scratch_.append(ns);
  scratch_.push(0);
  scratch_.append(Bytes(oid));
  put(slot, Value::of(ValueType::kDbPointer, scratch_.view()));
  return true;
}

void ExtendedJsonWriter::put_nothing(const Slot& slot, Object object, ValueType type,
                                     bool well_formed) {
  if (object.size() != 1 || !well_formed) {
    refuse(R"({"$undefined": true}, {"$minKey": 1} or {"$maxKey": 1})");
  }
  put(slot, Value::of(type, 0));
}

bool ExtendedJsonWriter::undefined(const Slot& slot, Object object, int) {
  bool flag = false;
  const bool read = object.at_key("$undefined").get(flag) == simdjson::SUCCESS;
  put_nothing(slot, object, ValueType::kUndefined, read && flag);
  return true;
}

bool ExtendedJsonWriter::min_key(const Slot& slot, Object object, int) {
  int64_t one = 0;
  const bool read = object.at_key("$minKey").get(one) == simdjson::SUCCESS;
  put_nothing(slot, object, ValueType::kMinKey, read && one == 1);
  return true;
}

bool ExtendedJsonWriter::max_key(const Slot& slot, Object object, int) {
  int64_t one = 0;
  const bool read = object.at_key("$maxKey").get(one) == simdjson::SUCCESS;
  put_nothing(slot, object, ValueType::kMaxKey, read && one == 1);
  return true;
}

}  // namespace lugger::json
