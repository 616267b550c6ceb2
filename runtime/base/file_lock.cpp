#include "base/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace lugger {

FileLock::FileLock(const std::filesystem::path& file)
    : descriptor_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (descriptor_ < 0) {
    throw Error(
        Code::kConfig, fmt::format("cannot open {}: {}", file.string(), std::strerror(errno)),
        errno == EACCES
            ? "the directory belongs to another user: run as that user, or name another directory"
            : "");
  }
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

void FileLock::lock(int how) {
  while (flock(descriptor_, how) != 0) {
    if (errno != EINTR) raise(Code::kConfig, "cannot lock a file: {}", std::strerror(errno));
  }
}

void FileLock::lock_exclusive() { lock(LOCK_EX); }
void FileLock::lock_shared() { lock(LOCK_SH); }

bool FileLock::try_lock_exclusive() {
  int result = 0;
  do {
    result = flock(descriptor_, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

void FileLock::unlock() noexcept {
  if (descriptor_ >= 0) flock(descriptor_, LOCK_UN);
}

}  // namespace lugger
