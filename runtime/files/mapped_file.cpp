#include "files/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.hpp"

namespace lugger {
namespace {

[[noreturn]] void fail(std::string_view what, const std::string& path) {
  throw Error(Code::kRead, fmt::format("cannot {} {}: {}", what, path, std::strerror(errno)),
              "check the path and the rights of this user");
}

}  // namespace

MappedFile::MappedFile(const AllowedPath& path)
    : path_(path.text()), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (fd_ < 0) fail("open", path_);
  struct stat status {};
  if (fstat(fd_, &status) != 0) {
    close(fd_);
    fail("look at", path_);
  }
  size_ = static_cast<size_t>(status.st_size);
  if (size_ == 0) return;
  // The file is mapped over the beginning of a larger mapping, so that memory after its end is
  // readable.
  void* at = mmap(nullptr, size_ + kPadding, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                  -1, 0);
  if (at != MAP_FAILED && mmap(at, size_, PROT_READ, MAP_SHARED | MAP_FIXED, fd_, 0) == MAP_FAILED)
    munmap(std::exchange(at, MAP_FAILED), size_ + kPadding);
  if (at == MAP_FAILED) {
    close(fd_);
    fail("map", path_);
  }
  madvise(at, size_, MADV_SEQUENTIAL);
  data_ = static_cast<const uint8_t*>(at);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<uint8_t*>(data_), size_ + kPadding);
  close(fd_);
}

void MappedFile::check_size() const {
  struct stat status {};
  if (fstat(fd_, &status) != 0) fail("look at", path_);
  if (static_cast<size_t>(status.st_size) >= size_) return;
  throw Error(Code::kRead,
              fmt::format("{} has become shorter while it was read: {} bytes, it had {}", path_,
                          status.st_size, size_),
              "let whatever writes it finish, then run again with --restart");
}

}  // namespace lugger
