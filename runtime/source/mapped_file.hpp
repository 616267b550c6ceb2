// A file mapped for reading, from its first byte to the size it had when opened.
#pragma once
#include <string>

#include "base/bytes.hpp"

namespace lugger {

class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  Bytes bytes() const noexcept { return {data_, size_}; }
  const std::string& path() const noexcept { return path_; }
  /// Error{read} when the file has become shorter: reading behind its end would raise SIGBUS.
  /// Called before every batch; what is cut off between this look and the read is not caught.
  void check_size() const;

 private:
  std::string path_;
  int fd_;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace lugger
