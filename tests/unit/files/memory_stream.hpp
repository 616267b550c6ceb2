// Bytes of a test as a stream, in pieces of a chosen size.
#pragma once
#include <algorithm>

#include "files/byte_stream.hpp"

namespace lugger::test {

class MemoryStream : public ByteStream {
 public:
  MemoryStream(Bytes bytes, size_t piece) : bytes_(bytes), piece_(piece) {}
  Bytes next() override {
    const Bytes out = bytes_.subspan(at_, std::min(piece_, bytes_.size() - at_));
    at_ += out.size();
    return out;
  }
  uint64_t taken() const noexcept override { return at_; }

 private:
  Bytes bytes_;
  size_t piece_, at_ = 0;
};

}  // namespace lugger::test
