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
    case ValueType::kSparseVector:
    case ValueType::kBits: {
      const std::string quoted = value_json(value, JsonStyle::kRelaxed);
      return quoted.substr(1, quoted.size() - 2);
    }
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

}  // extern "C"
