// A file that grows by whole units: an incomplete unit is cut off again.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/gate.hpp"

namespace lugger {

/// "-" is standard output, which cannot be cut. A name that ends in .gz gets one gzip member a
/// unit; readers take them as one stream.
class OutputFile {
 public:
  /// Changes nothing yet. Error{conflict} while another OutputFile, of any process, has it open.
  explicit OutputFile(const AllowedPath& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// How long the file is; 0 also of what cannot be cut, such as a pipe.
  uint64_t there() const;
  /// Keeps the first `keep` bytes of what is there.
  void cut(uint64_t keep);
  /// Appends and waits until the data is on disk. Error{config} when that fails; the file is then
  /// unchanged.
  void append(std::string_view text);
  uint64_t size() const noexcept { return size_; }

 private:
  void write_all(std::string_view bytes);
  [[noreturn]] void fail(int error);
  std::string path_;
  bool gzip_ = false;
  int fd_ = -1;
  uint64_t size_ = 0;
  std::string packed_;
};

}  // namespace lugger
