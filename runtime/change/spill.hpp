// Bytes that are written once and then read: in memory up to a limit, beyond it in a file without a
// name.
#pragma once
#include <string>

#include "base/bytes.hpp"

namespace lugger {

/// The directory is used only when the limit is exceeded. Its file has no name, so it disappears
/// with the process, however that ends.
class SpillBytes {
 public:
  SpillBytes(std::string directory, size_t memory)
      : directory_(std::move(directory)), memory_(memory) {}
  ~SpillBytes();
  SpillBytes(SpillBytes&& other) noexcept;
  SpillBytes(const SpillBytes&) = delete;
  SpillBytes& operator=(const SpillBytes&) = delete;
  SpillBytes& operator=(SpillBytes&&) = delete;

  void append(Bytes bytes);
  template <typename T>
  void append_le(T value) {
    append({reinterpret_cast<const uint8_t*>(&value), sizeof value});
  }
  uint64_t size() const noexcept { return written_ + buffer_.size(); }
  bool spilled() const noexcept { return fd_ >= 0 || mapped_ != nullptr; }
  /// After the last append().
  void finish();
  Bytes view() const noexcept;

 private:
  void flush();
  void open_file();
  [[noreturn]] void fail(const char* what) const;

  std::string directory_;
  size_t memory_;
  ByteBuffer buffer_;  // all of it, or what is not in the file yet
  int fd_ = -1;
  uint64_t written_ = 0;
  const uint8_t* mapped_ = nullptr;
};

/// Where such files go: ./.lugger when there is one, else TMPDIR, else /var/tmp (/tmp is memory on
/// many systems).
std::string spill_directory();

}  // namespace lugger
