// Inflating gzip: any number of members, one after another, as gzip(1) and mongodump write them.
#pragma once
#include <exception>

#include "files/byte_stream.hpp"

namespace lugger {

/// True when bytes that begin like gzip really are gzip. The first three bytes are not enough: a
/// BSON file whose first document is 559,903 bytes long begins with the same. So the rest must
/// inflate, or not look like BSON. `head` is the first 64 KiB or the whole file; in the latter case
/// it cannot contain that document, and damaged gzip is reported as such.
bool looks_like_gzip(Bytes head) noexcept;

class GzipBytes : public ByteSource {
 public:
  /// place: for messages.
  GzipBytes(std::unique_ptr<ByteSource> compressed, std::string place);
  ~GzipBytes() override;
  size_t read(uint8_t* to, size_t n) override;
  uint64_t taken() const noexcept override { return compressed_->taken(); }

 private:
  struct State;
  size_t inflate_some(uint8_t* to, size_t n);
  bool refill();
  bool next_member();
  [[noreturn]] void raise_cut() const;
  uint64_t at() const noexcept;

  std::unique_ptr<ByteSource> compressed_;
  std::string place_;
  std::unique_ptr<uint8_t[]> input_;
  std::unique_ptr<State> state_;
  std::exception_ptr fault_;
  uint64_t fed_ = 0;  // compressed bytes given to zlib, or waiting in input_
  bool in_member_ = false, ended_ = false;
};

}  // namespace lugger
