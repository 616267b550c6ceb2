#include "files/output_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace lugger {
namespace {

/// One gzip member.
void pack(std::string_view text, std::string& out) {
  constexpr int kGzipWindow = 15 + 16;
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindow, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    raise(Code::kBug, "zlib does not start");
  }
  out.resize(deflateBound(&stream, text.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END)
    raise(Code::kBug, "zlib did not finish a member of {} bytes", text.size());
}

}  // namespace

OutputFile::OutputFile(const AllowedPath& path)
    : path_(path.text()), gzip_(path_.ends_with(".gz")) {
  if (path_ == "-") {
    fd_ = STDOUT_FILENO;
    return;
  }
  fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd_ < 0) fail(errno);
  // A file system without locks leaves it to its users.
  if (flock(fd_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  close(fd_);
  throw Error(Code::kConflict, fmt::format("{} is being written by another run", path_),
              "wait for its end, or give each job a file of its own");
}

uint64_t OutputFile::there() const {
  struct stat status {};
  if (fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  return static_cast<uint64_t>(status.st_size);
}

void OutputFile::cut(uint64_t keep) {
  if (path_ == "-") return;
  const off_t there = lseek(fd_, 0, SEEK_END);
  if (there >= 0 && static_cast<uint64_t>(there) < keep) {
    throw Error(Code::kConfig,
                fmt::format("{} is {} bytes long, but this run wrote {}: it was changed since",
                            path_, there, keep),
                "put the file back, or start again with --restart");
  }
  if (ftruncate(fd_, static_cast<off_t>(keep)) != 0 && errno != EINVAL) fail(errno);
  lseek(fd_, static_cast<off_t>(keep), SEEK_SET);
  size_ = keep;
}

OutputFile::~OutputFile() {
  if (fd_ > STDOUT_FILENO) close(fd_);
}

void OutputFile::fail(int error) {
  throw Error(Code::kConfig,
              fmt::format("cannot write to {}: {}", path_ == "-" ? "standard output" : path_,
                          std::strerror(error)),
              error == ENOSPC ? "make room, then run the same command again" : "");
}

void OutputFile::append(std::string_view text) {
  if (text.empty()) return;
  if (gzip_) {
    // A member's lengths are 32 bits in zlib's interface; long units become several members.
    constexpr size_t kMost = size_t{1} << 30;
    for (size_t at = 0; at < text.size(); at += kMost) {
      pack(text.substr(at, kMost), packed_);
      write_all(packed_);
    }
  } else {
    write_all(text);
  }
  if (fdatasync(fd_) != 0 && errno != EINVAL && errno != EROFS && errno != ENOTSUP) fail(errno);
}

void OutputFile::write_all(std::string_view bytes) {
  const uint64_t before = size_;
  while (!bytes.empty()) {
    const ssize_t wrote = write(fd_, bytes.data(), bytes.size());
    if (wrote < 0) {
      if (errno == EINTR) continue;
      const int error = errno;
      if (path_ != "-" && ftruncate(fd_, static_cast<off_t>(before)) == 0) {
        lseek(fd_, static_cast<off_t>(before), SEEK_SET);
        size_ = before;
      }
      fail(error);
    }
    size_ += static_cast<uint64_t>(wrote);
    bytes.remove_prefix(static_cast<size_t>(wrote));
  }
}

}  // namespace lugger
