// FFI: text forms of values; object ids, uuids, dates.
#include <string>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/text.hpp"
#include "bindings/abi.h"
#include "bindings/abi_cast.hpp"
#include "value/datetime.hpp"
#include "value/decimal.hpp"
#include "value/id_text.hpp"
#include "value/json_writer.hpp"

using namespace lugger;

/// Runs a text function. An exception (out of memory) is reported as no text.
template <typename Text>
static uint32_t text_of(Text&& make, char* out, uint32_t room) noexcept {
  try {
    return give_text(make(), out, room);
  } catch (const std::exception&) {
    return 0;
  }
}

static std::string value_text(const Value& value) {
  switch (value.type) {
    case ValueType::kDecimal: return decimal128_text(value.data);
    case ValueType::kNumeric: return numeric_text(value.bytes());
    case ValueType::kObjectId: return to_hex(value.bytes());
    case ValueType::kUuid: return uuid_text(value.data);
    case ValueType::kDate: return iso_from_unix_ms(value.i64);
    case ValueType::kMicros: return timestamp_text(value.i64);
    case ValueType::kDay: return day_text(value.i64);
    case ValueType::kTime: return time_text(value.i64);
    case ValueType::kInterval: return interval_text(value.data);
    case ValueType::kString:
    case ValueType::kSymbol:
    case ValueType::kCode:
    case ValueType::kPgText:
    case ValueType::kJson: return std::string(value.text());
    default: return value_json(value, JsonStyle::kRelaxed);
  }
}

extern "C" {

uint32_t lug_doc_json(const lug_doc* doc, int style, char* out, uint32_t room) noexcept {
  const auto json = [&]() -> std::string {
    if (doc->lug_array_ == 0)
      return document_json(document_of(*doc), static_cast<JsonStyle>(style));
    return value_json(Value::of(ValueType::kArray, Bytes{doc->lug_data_, doc->lug_size_}),
                      static_cast<JsonStyle>(style));
  };
  return text_of(json, out, room);
}

uint32_t lug_value_json(const lug_value* value, int style, char* out, uint32_t room) noexcept {
  return text_of([&] { return value_json(as_value(*value), static_cast<JsonStyle>(style)); }, out,
                 room);
}

uint32_t lug_value_text(const lug_value* value, char* out, uint32_t room) noexcept {
  return text_of([&] { return value_text(as_value(*value)); }, out, room);
}

uint32_t lug_id_text(const lug_value* value, int style, char* out, uint32_t room) noexcept {
  const auto text = [&]() -> std::string {
    ByteBuffer buffer;
    if (!append_id_text(as_value(*value), style == 1 ? IdStyle::kPlain : IdStyle::kSafe, buffer))
      return {};
    return std::string(buffer.text());
  };
  return text_of(text, out, room);
}

int lug_objectid_parse(const char* text, uint32_t size, lug_objectid* out) noexcept {
  if (size != 24) return 0;
  try {
    const auto bytes = from_hex({text, size});
    if (!bytes) return 0;
    std::memcpy(out->bytes, bytes->data(), sizeof out->bytes);
    return 1;
  } catch (const std::exception&) {
    return 0;
  }
}

int lug_uuid_parse(const char* text, uint32_t size, lug_uuid* out) noexcept {
  return parse_uuid({text, size}, out->bytes) ? 1 : 0;
}

void lug_uuid_v7(lug_uuid* out) noexcept {
  std::memcpy(out->bytes, uuid_v7().data(), sizeof out->bytes);
}

void lug_uuid_v5(const lug_uuid* space, const char* name, uint32_t size, lug_uuid* out) noexcept {
  Uuid key;
  std::memcpy(key.data(), space->bytes, key.size());
  const Uuid made = uuid_v5(key, {name, size});
  std::memcpy(out->bytes, made.data(), made.size());
}

int64_t lug_now_micros(void) noexcept { return unix_micros_now(); }

void lug_date_from_value(const lug_value* value, lug_date* out) noexcept {
  const Value& in = as_value(*value);
  *out = {};
  if (in.type == ValueType::kDay) {
    out->lug_day_ = 1;
    out->lug_ms_ = (in.i64 * kMicrosPerDay + kPgEpochUnixMicros) / 1000;
  } else if (in.type == ValueType::kMicros) {
    const bool endless = in.i64 == kInfinityMicros || in.i64 == kMinusInfinityMicros;
    out->lug_ms_ = endless ? in.i64 : unix_ms_from_micros(in.i64).value_or(0);
    out->lug_us_ = endless ? 0 : static_cast<int32_t>(((in.i64 % 1000) + 1000) % 1000);
  } else {
    out->lug_ms_ = in.i64;
  }
}

void lug_date_to_value(const lug_date* date, lug_value* out) noexcept {
  const bool endless = date->lug_ms_ == INT64_MAX || date->lug_ms_ == INT64_MIN;
  Value value = Value::of(ValueType::kDate, date->lug_ms_);
  if (endless) {
    value = Value::of(ValueType::kMicros, date->lug_ms_);
  } else if (date->lug_us_ != 0) {
    if (const auto micros = micros_from_unix_ms(date->lug_ms_))
      value = Value::of(ValueType::kMicros, *micros + date->lug_us_);
  }
  as_value(*out) = value;
}

int lug_date_parse(const char* text, uint32_t size, lug_date* out) noexcept {
  const auto micros = parse_timestamp({text, size});
  if (!micros) return 0;
  const Value value = Value::of(ValueType::kMicros, *micros);
  lug_value in;
  as_value(in) = value;
  lug_date_from_value(&in, out);
  return 1;
}

}  // extern "C"
