// A file or standard input for cursors: finds out the format from the first bytes, and gives the
// bytes from the beginning.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "files/byte_stream.hpp"
#include "place/identity.hpp"

namespace lugger {

enum class FileKind : uint8_t { kBson, kArchive, kJson, kCsv };

/// What the first bytes of data (after inflating) are. Only its name tells CSV. `name` breaks the
/// tie where they are none of the others. Error{config} when it cannot be told.
///
/// Text is never taken for BSON nor BSON for text: BSON begins with a little-endian length of at
/// most 16,793,600, so its fourth byte is 0 or 1, and no byte of JSON text is below 9.
FileKind sniff_kind(Bytes head, std::string_view name);

/// The word that the option format has for it.
std::string_view name_of_kind(FileKind kind) noexcept;

class Input {
 public:
  /// place: a path, or "-" for standard input. Reads the first bytes. format: "auto", or the kind
  /// by name.
  Input(AllowedPath place, std::string_view format);

  const std::string& place() const noexcept { return place_.text(); }
  const AllowedPath& path() const noexcept { return place_; }
  /// As shown: "standard input" for "-".
  const std::string& shown() const noexcept { return shown_; }
  FileKind kind() const noexcept { return kind_; }
  bool gzip() const noexcept { return gzip_; }
  /// Standard input, a pipe, a device: the bytes can be read only once.
  bool read_once() const noexcept { return read_once_; }
  /// Error{config} for a position in data that can be read only once.
  void check_position(const std::string& after) const;
  /// On disk; 0: unknown.
  uint64_t bytes() const noexcept { return bytes_; }
  /// Of the file, as it was when first asked for.
  const SourceIdentity& identity() const;

  /// Opens the bytes from the beginning, inflated, and read ahead where that helps. Data that can
  /// be read only once can be opened only once; after that Error{config}.
  std::unique_ptr<ByteStream> open() const;

 private:
  std::unique_ptr<ByteSource> raw() const;

  AllowedPath place_;
  std::string shown_;
  mutable std::once_flag identified_;
  mutable SourceIdentity identity_;
  FileKind kind_ = FileKind::kBson;
  bool read_once_ = false, gzip_ = false;
  uint64_t bytes_ = 0;
  // Only for data that can be read only once: its first bytes, and the rest.
  ByteBuffer head_;
  mutable std::unique_ptr<ByteSource> rest_;
  mutable std::atomic<bool> opened_{false};
};

/// The whole of a small file (metadata), inflated when it is gzip; Error{read} above `limit` bytes.
std::string read_small_file(const AllowedPath& path, size_t limit = size_t{64} << 20);

}  // namespace lugger
