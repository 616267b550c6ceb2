// The lines of a text, one after the other.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "files/byte_stream.hpp"

namespace lugger {

class LineReader {
 public:
  /// A longer line is an error: the file is no text of lines.
  static constexpr size_t kMaxLine = size_t{64} << 20;

  LineReader(std::string place, std::unique_ptr<ByteStream> stream)
      : place_(std::move(place)), stream_(std::move(stream)) {}
  /// Without its line end (LF or CRLF), valid until the next call; nullopt: there are no more.
  std::optional<std::string_view> next();

 private:
  std::string place_;
  std::unique_ptr<ByteStream> stream_;
  ByteBuffer buffer_;
  size_t at_ = 0;
  bool ended_ = false;
};

}  // namespace lugger
