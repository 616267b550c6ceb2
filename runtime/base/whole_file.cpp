#include "base/whole_file.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw Error(Code::kConfig, fmt::format("cannot write {}: {}", path, std::strerror(error)),
              full ? "make room, then run the same command again; no half file was left" : "");
}

/// A descriptor that closes itself, and whose close can be asked for its outcome.
class Descriptor {
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }
  int close() noexcept { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

void write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail(path, errno);
    text.remove_prefix(static_cast<size_t>(wrote));
  }
}

/// Some file systems cannot sync; that is theirs to answer for.
void sync(int fd, const std::string& path) {
  if (::fsync(fd) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP) return;
  fail(path, errno);
}

/// Where the file is: behind symbolic links, when there are some.
fs::path behind_links(const std::string& path) {
  std::error_code failed;
  const fs::path real =
      fs::is_symlink(path, failed) ? fs::weakly_canonical(path, failed) : fs::path(path);
  return failed ? fs::path(path) : real;
}

unsigned mode_for(const std::string& path, unsigned mode) {
  struct stat found = {};
  if (::stat(path.c_str(), &found) == 0) return found.st_mode & 07777U;
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return mode & ~mask;
}

void rename_synced(const std::string& temporary, const std::string& target,
                   const std::string& path) {
  if (std::rename(temporary.c_str(), target.c_str()) != 0) fail(path, errno);
  const std::string parent = fs::path(target).parent_path().string();
  const Descriptor directory(
      ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) ::fsync(directory.get());  // the name itself; not every system can
}

struct RemovedUnlessKept {
  std::string path;
  bool kept = false;
  ~RemovedUnlessKept() {
    if (!kept) ::unlink(path.c_str());
  }
};

/// Writes and syncs a file beside `target`; returns its name.
std::string write_beside(const std::string& target, const std::string& path, std::string_view text,
                         unsigned mode) {
  const fs::path at(target);
  constexpr size_t kMostOfName = 200;  // room for what is added, within 255 bytes
  std::string name =
      (at.parent_path() / ("." + at.filename().string().substr(0, kMostOfName) + ".XXXXXX"))
          .string();
  Descriptor out(::mkostemp(name.data(), O_CLOEXEC));
  if (out.get() < 0) fail(path, errno);
  RemovedUnlessKept guard{name};
  write_all(out.get(), text, path);
  if (::fchmod(out.get(), mode) != 0) fail(path, errno);
  sync(out.get(), path);
  if (out.close() != 0) fail(path, errno);
  guard.kept = true;
  return name;
}

}  // namespace

void write_whole_file(const std::string& path, std::string_view text, unsigned mode) {
  struct stat found = {};
  if (::stat(path.c_str(), &found) == 0 && !S_ISREG(found.st_mode)) {
    if (S_ISDIR(found.st_mode)) fail(path, EISDIR);
    Descriptor out(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (out.get() < 0) fail(path, errno);
    write_all(out.get(), text, path);
    if (out.close() != 0) fail(path, errno);
    return;
  }
  const std::string target = behind_links(path).string();
  RemovedUnlessKept temporary{write_beside(target, path, text, mode_for(target, mode))};
  rename_synced(temporary.path, target, path);
  temporary.kept = true;
}

bool write_new_file(const std::string& path, std::string_view text, unsigned mode) {
  struct stat found = {};
  if (::lstat(path.c_str(), &found) == 0) return false;
  const RemovedUnlessKept temporary{write_beside(path, path, text, mode)};
  // A link, unlike a rename, takes nobody's place.
  if (::link(temporary.path.c_str(), path.c_str()) == 0) return true;
  if (errno == EEXIST) return false;
  fail(path, errno);
}

void settle_file(const std::string& temporary, const std::string& path, unsigned mode) {
  RemovedUnlessKept guard{temporary};
  Descriptor out(::open(temporary.c_str(), O_RDWR | O_CLOEXEC));
  if (out.get() < 0) fail(path, errno);
  const std::string target = behind_links(path).string();
  if (::fchmod(out.get(), mode_for(target, mode)) != 0) fail(path, errno);
  sync(out.get(), path);
  if (out.close() != 0) fail(path, errno);
  rename_synced(temporary, target, path);
  guard.kept = true;
}

std::string stdout_problem() {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  const int error = errno;
  if (flushed && std::ferror(stdout) == 0) return {};
  pollfd out{STDOUT_FILENO, 0, 0};
  const bool closed = ::poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
  if (error == EPIPE || closed) return "closed";
  return flushed || error == 0 ? "a write failed: is the disk full?" : std::strerror(error);
}

}  // namespace lugger
