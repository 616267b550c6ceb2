// A file mapped for reading, from its first byte to the size it had when opened.
#pragma once
#include <string>

#include "base/bytes.hpp"
#include "base/gate.hpp"

namespace lugger {

class MappedFile {
 public:
  explicit MappedFile(const AllowedPath& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// kPadding bytes behind them can be read too, for parsers that look a little further.
  Bytes bytes() const noexcept { return {data_, size_}; }
  static constexpr size_t kPadding = 64;
  /// Documents are processed faster than memory is read, so this prefetches the cache lines some
  /// distance ahead.
  static void prefetch(const uint8_t* document, size_t size) noexcept {
    constexpr size_t kAhead = 8192, kLine = 64;
    if (size > kAhead) return;  // the processor sees a long run by itself
    for (size_t line = 0; line < size; line += kLine) __builtin_prefetch(document + kAhead + line);
  }
  const std::string& path() const noexcept { return path_; }
  /// Error{read} when the file has become shorter, because reading beyond its end would raise
  /// SIGBUS. Called before every batch. A file that is truncated between this check and the read is
  /// not caught.
  void check_size() const;

 private:
  std::string path_;
  int fd_;
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace lugger
