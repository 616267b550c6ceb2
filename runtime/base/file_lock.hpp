// A lock that processes share by a file and that the system takes back when its holder dies,
// however it dies.
#pragma once
#include <filesystem>
#include <utility>

namespace lugger {

/// flock(2) on a file that is made when missing. Not inherited by programs we start.
class FileLock {
 public:
  FileLock() = default;
  explicit FileLock(const std::filesystem::path& file);
  ~FileLock();
  FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }

  void lock_exclusive();
  void lock_shared();
  /// Also raises a shared lock; on failure the shared lock may be lost.
  bool try_lock_exclusive();
  void unlock() noexcept;
  int descriptor() const noexcept { return descriptor_; }

 private:
  void lock(int how);
  int descriptor_ = -1;
};

}  // namespace lugger
