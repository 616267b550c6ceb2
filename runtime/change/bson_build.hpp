// Documents and arrays put together from elements that are there already.
#pragma once
#include <charconv>

#include "value/bson_reader.hpp"

namespace lugger {

/// Begins at the end of `out`; the length is known at end().
class BsonBuild {
 public:
  explicit BsonBuild(ByteBuffer& out) : out_(out), at_(out.size()) { out.append_le<int32_t>(0); }
  /// The type byte and name of an element whose value follows.
  void header(uint8_t type, std::string_view name) {
    out_.push(type);
    out_.append(name);
    out_.push(0);
  }
  void header(uint8_t type, uint64_t index) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, index).ptr;
    header(type, {digits, static_cast<size_t>(end - digits)});
  }
  /// An element under another name, or as an element of an array.
  template <typename Name>
  void element(Bytes element, size_t name_size, Name name) {
    header(element[0], name);
    out_.append(element.subspan(name_size + 2));
  }
  void end() {
    out_.push(0);
    store_le(out_.data() + at_, static_cast<int32_t>(out_.size() - at_));
  }

 private:
  ByteBuffer& out_;
  size_t at_;
};

inline constexpr uint8_t kBsonDocument = 0x03, kBsonArray = 0x04, kBsonBinary = 0x05,
                         kBsonNull = 0x0A;

}  // namespace lugger
