#include "change/spill.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/error.hpp"

namespace lugger {
namespace {

constexpr size_t kWriteBytes = 64 * 1024;

bool writable_directory(const char* path) { return access(path, W_OK | X_OK) == 0; }

}  // namespace

std::string spill_directory() {
  if (writable_directory(".lugger")) return ".lugger";
  const char* chosen = std::getenv("TMPDIR");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  return writable_directory("/var/tmp") ? "/var/tmp" : "/tmp";
}

SpillBytes::SpillBytes(SpillBytes&& other) noexcept
    : directory_(std::move(other.directory_)),
      memory_(other.memory_),
      buffer_(std::move(other.buffer_)),
      fd_(std::exchange(other.fd_, -1)),
      written_(std::exchange(other.written_, 0)),
      mapped_(std::exchange(other.mapped_, nullptr)) {}

SpillBytes::~SpillBytes() {
  if (mapped_ != nullptr) munmap(const_cast<uint8_t*>(mapped_), written_);
  if (fd_ >= 0) close(fd_);
}

void SpillBytes::fail(const char* what) const {
  throw Error(
      Code::kRead,
      fmt::format("cannot {} a temporary file in {}: {}", what, directory_, std::strerror(errno)),
      "changes of the oplog that do not fit into memory go there; TMPDIR names another "
      "directory");
}

void SpillBytes::open_file() {
  fd_ = open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    std::string name = directory_ + "/oplog-XXXXXX";
    fd_ = mkostemp(name.data(), O_CLOEXEC);
    if (fd_ >= 0) unlink(name.c_str());
  }
  if (fd_ < 0) fail("make");
}

void SpillBytes::flush() {
  size_t at = 0;
  while (at < buffer_.size()) {
    const ssize_t put = write(fd_, buffer_.data() + at, buffer_.size() - at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail("write");
    at += static_cast<size_t>(put);
  }
  written_ += buffer_.size();
  buffer_.clear();
}

void SpillBytes::append(Bytes bytes) {
  buffer_.append(bytes);
  if (buffer_.size() <= (fd_ < 0 ? memory_ : kWriteBytes)) return;
  if (fd_ < 0) open_file();
  flush();
  if (buffer_.capacity() > 4 * kWriteBytes) buffer_ = ByteBuffer();
}

void SpillBytes::finish() {
  if (fd_ < 0) return;
  flush();
  buffer_ = ByteBuffer();
  void* at = mmap(nullptr, written_, PROT_READ, MAP_SHARED, fd_, 0);
  if (at == MAP_FAILED) fail("map");
  mapped_ = static_cast<const uint8_t*>(at);
  close(std::exchange(fd_, -1));
}

Bytes SpillBytes::view() const noexcept {
  if (mapped_ != nullptr) return {mapped_, written_};
  return buffer_.view();
}

}  // namespace lugger
