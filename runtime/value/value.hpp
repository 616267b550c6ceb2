// One value in 16 bytes, bit-equal to lug_value in bindings/abi.h. Borrowed bytes live as long as
// their batch.
#pragma once
#include <cstdint>

#include "base/bytes.hpp"
#include "value/type.hpp"

namespace lugger {

struct Value {
  ValueType type = ValueType::kMissing;
  uint8_t flags = 0;  // kWritten, kPending, kRefused, kReplaced
  uint16_t aux = 0;   // binary: subtype
  uint32_t size = 0;  // bytes behind data
  union {
    int64_t i64 = 0;
    double f64;
    const uint8_t* data;
  };

  static constexpr uint8_t kWritten = 1;  // a hook wrote the slot
  static constexpr uint8_t kPending =
      2;  // not coerced yet: json while a hook may look into it, or a value that was refused
  static constexpr uint8_t kRefused = 4;   // did not fit its column: a hook that reads it ends
  static constexpr uint8_t kReplaced = 8;  // did not fit, and becomes NULL or the default

  Bytes bytes() const noexcept { return {data, size}; }
  std::string_view text() const noexcept { return as_text(bytes()); }
  bool absent() const noexcept {
    return type <= ValueType::kUndefined;
  }  // missing, null or undefined

  static Value null() noexcept { return of(ValueType::kNull, 0); }
  static Value of(ValueType type, int64_t i64) noexcept {
    Value v;
    v.type = type;
    v.i64 = i64;
    return v;
  }
  static Value of_double(double f64) noexcept {
    Value v;
    v.type = ValueType::kDouble;
    v.f64 = f64;
    return v;
  }
  static Value of(ValueType type, Bytes bytes, uint16_t aux = 0) noexcept {
    Value v;
    v.type = type;
    v.aux = aux;
    v.size = static_cast<uint32_t>(bytes.size());
    v.data = bytes.data();
    return v;
  }
  static Value of(ValueType type, std::string_view text) noexcept {
    return of(type, as_bytes(text));
  }
};
static_assert(sizeof(Value) == 16);

}  // namespace lugger
