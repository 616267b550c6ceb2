// The wire format of protocol buffers, as far as messages of Weaviate need it.
#pragma once
#include <string_view>

#include "base/bytes.hpp"

namespace lugger::protobuf {

enum Wire : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

inline void put_varint(ByteBuffer& out, uint64_t value) {
  constexpr uint64_t kMore = 0x80;
  for (; value >= kMore; value >>= 7) out.push(static_cast<uint8_t>(value | kMore));
  out.push(static_cast<uint8_t>(value));
}

inline void put_tag(ByteBuffer& out, uint32_t field, Wire wire) {
  put_varint(out, uint64_t{field} << 3 | wire);
}

/// A text, a byte string, a message or a packed list.
inline void put(ByteBuffer& out, uint32_t field, std::string_view bytes) {
  put_tag(out, field, kBytes);
  put_varint(out, bytes.size());
  out.append(bytes);
}

/// Reads the fields of a message one by one.
class Reader {
 public:
  explicit Reader(std::string_view message) : rest_(message) {}

  /// False at the end, and where the message is broken.
  bool next() noexcept {
    if (rest_.empty()) return false;
    const uint64_t tag = varint();
    field = static_cast<uint32_t>(tag >> 3);
    number = 0;
    bytes = {};
    switch (tag & 7) {
      case kVarint: number = varint(); break;
      case kFixed64: bytes = take(8); break;
      case kFixed32: bytes = take(4); break;
      case kBytes: bytes = take(varint()); break;
      default: broken_ = true;
    }
    return !broken_;
  }
  bool broken() const noexcept { return broken_; }

  // Of the field.
  uint32_t field = 0;
  uint64_t number = 0;
  std::string_view bytes;

 private:
  uint64_t varint() noexcept {
    uint64_t out = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      out |= uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return out;
    }
    broken_ = true;
    return 0;
  }
  std::string_view take(uint64_t size) noexcept {
    if (size > rest_.size()) {
      broken_ = true;
      return {};
    }
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }

  std::string_view rest_;
  bool broken_ = false;
};

}  // namespace lugger::protobuf
