// Files that are there whole or not at all, whatever happens while they are written.
#pragma once
#include <string>
#include <string_view>

#include "base/gate.hpp"

namespace lugger {

/// A file written in pieces beside `path`, under a hidden name that nobody can guess and that no
/// one else may read. It gets its place when it is settled, and is removed when it is not. A file
/// that was there keeps its mode; a symbolic link is followed; what is no file (/dev/stdout, a
/// pipe) is written to. `mode` is a new file's, before the umask. Error{config} says what went
/// wrong.
class WholeFile {
 public:
  explicit WholeFile(const AllowedPath& path, unsigned mode = 0666);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void write(std::string_view text);
  /// Waits until the disk has it, and takes the place of what was there.
  void settle();
  /// The same where nothing may be in its place. False: something is.
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

/// The same for a file that must not be there yet. False: it is.
bool write_new_file(const AllowedPath& path, std::string_view text, unsigned mode = 0666);

}  // namespace lugger
