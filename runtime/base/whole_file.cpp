#include "base/whole_file.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/error.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBufferBytes = 64 * 1024;
constexpr mode_t kOurs = S_IRUSR | S_IWUSR;

/// Where the file is: behind symbolic links, when there are some.
std::string behind_links(const std::string& path) {
  std::error_code failed;
  const fs::path real =
      fs::is_symlink(path, failed) ? fs::weakly_canonical(path, failed) : fs::path(path);
  return failed ? path : real.string();
}

std::string beside(const std::string& target) {
  constexpr size_t kMostOfName = 200;  // room for what is added, within 255 bytes
  uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number)
    raise(Code::kConfig, "no random number for the name of a temporary file: {}",
          std::strerror(errno));
  const fs::path at(target);
  const std::string name = at.filename().string().substr(0, kMostOfName);
  return (at.parent_path() / fmt::format(".{}.{:016x}", name, number)).string();
}

/// Gives a file a name that does not exist yet. Returns 0 or errno.
int take_name(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return 0;
  }
  const bool no_links = errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS;
  if (!no_links) return errno;
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return errno;
  // First an empty file takes the name, and then it is replaced.
  const int fd = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kOurs);
  if (fd < 0) return errno;
  ::close(fd);
  if (std::rename(from.c_str(), to.c_str()) == 0) return 0;
  const int error = errno;
  ::unlink(to.c_str());
  return error;
}

}  // namespace

// Delegates, so that what fails halfway is cleared away by the destructor.
WholeFile::WholeFile(const AllowedPath& path, unsigned mode) : WholeFile() {
  path_ = path.text();
  open(mode);
}

WholeFile::~WholeFile() {
  close();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void WholeFile::open(unsigned mode) {
  struct stat found = {};
  const bool there = ::stat(path_.c_str(), &found) == 0;
  if (there && !S_ISREG(found.st_mode)) {
    if (S_ISDIR(found.st_mode)) fail(EISDIR);
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0) fail(errno);
    return;
  }
  target_ = behind_links(path_);
  std::string name;
  do {
    name = beside(target_);
    // The kernel applies the umask: asking for it would change it for all threads.
    fd_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                 there ? kOurs : mode);
  } while (fd_ < 0 && errno == EEXIST);
  if (fd_ < 0) fail(errno);
  temporary_ = std::move(name);
  if (!there && ::fstat(fd_, &found) != 0) fail(errno);
  mode_ = found.st_mode & 07777U;
  if (::fchmod(fd_, kOurs) != 0) fail(errno);
}

void WholeFile::write(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) flush();
}

void WholeFile::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t wrote = ::write(fd_, rest.data(), rest.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail(errno);
    rest.remove_prefix(static_cast<size_t>(wrote));
  }
  buffer_.clear();
}

void WholeFile::finish() {
  flush();
  if (!temporary_.empty()) {
    if (::fchmod(fd_, mode_) != 0) fail(errno);
    // Some file systems do not support fsync.
    if (::fsync(fd_) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP) fail(errno);
  }
  if (close() != 0) fail(errno);
}

int WholeFile::close() noexcept { return fd_ < 0 ? 0 : ::close(std::exchange(fd_, -1)); }

/// Makes the directory entry durable; not every system supports it.
void WholeFile::sync_directory() const {
  const std::string parent = fs::path(target_).parent_path().string();
  const int fd = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

void WholeFile::settle() {
  finish();
  if (temporary_.empty()) return;
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno);
  temporary_.clear();
  sync_directory();
}

bool WholeFile::settle_new() {
  if (temporary_.empty()) return false;
  finish();
  const int error = take_name(temporary_, path_);
  if (error == EEXIST) return false;
  if (error != 0) fail(error);
  temporary_.clear();
  sync_directory();
  return true;
}

void WholeFile::fail(int error) const {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw Error(Code::kConfig, fmt::format("cannot write {}: {}", path_, std::strerror(error)),
              full ? "make room, then run the same command again; no half file was left" : "");
}

void write_whole_file(const AllowedPath& path, std::string_view text, unsigned mode) {
  WholeFile out(path, mode);
  out.write(text);
  out.settle();
}

bool write_new_file(const AllowedPath& path, std::string_view text, unsigned mode) {
  struct stat found = {};
  if (::lstat(path.c_str(), &found) == 0) return false;
  WholeFile out(path, mode);
  out.write(text);
  return out.settle_new();
}

}  // namespace lugger
