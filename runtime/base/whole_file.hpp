// Files that are written completely or not at all, whatever happens meanwhile.
#pragma once
#include <string>
#include <string_view>

#include "base/gate.hpp"

namespace lugger {

/// A file written in pieces under a hidden, random name beside `path`, unreadable for others.
/// settle() moves it to its place; otherwise it is removed. An existing file keeps its mode, and a
/// symbolic link is followed. Something that is not a regular file (/dev/stdout, a pipe) is written
/// directly. `mode` is for a new file, before the umask. Error{config} describes a failure.
class WholeFile {
 public:
  explicit WholeFile(const AllowedPath& path, unsigned mode = 0666);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void write(std::string_view text);
  /// Waits until the file is on disk, then replaces the existing file.
  void settle();
  /// The same without replacing anything. False: a file of that name exists.
  bool settle_new();

 private:
  WholeFile() = default;
  void open(unsigned mode);
  void flush();
  void finish();
  int close() noexcept;
  void sync_directory() const;
  [[noreturn]] void fail(int error) const;

  std::string path_, target_, temporary_, buffer_;
  int fd_ = -1;
  unsigned mode_ = 0;
};

void write_whole_file(const AllowedPath& path, std::string_view text, unsigned mode = 0666);

/// The same for a file that must not exist yet. False: it exists.
bool write_new_file(const AllowedPath& path, std::string_view text, unsigned mode = 0666);

}  // namespace lugger
