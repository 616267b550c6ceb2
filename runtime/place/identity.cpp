#include "place/identity.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/digest.hpp"
#include "base/error.hpp"

namespace lugger {
namespace {

constexpr uint64_t kEndBytes = 64 * 1024, kBlockBytes = 4 * 1024, kBlocks = 32;

class File {
 public:
  explicit File(const AllowedPath& path)
      : path_(path.text()), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) fail("open");
  }
  ~File() { close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  struct stat status() const {
    struct stat out {};
    if (fstat(fd_, &out) != 0) fail("look at");
    return out;
  }
  /// Appends `n` bytes, or fewer at the end of the file.
  void read(uint64_t at, uint64_t n, std::string& to) const {
    const size_t before = to.size();
    to.resize(before + n);
    size_t got = 0;
    while (got < n) {
      const ssize_t some =
          pread(fd_, to.data() + before + got, n - got, static_cast<off_t>(at + got));
      if (some < 0 && errno == EINTR) continue;
      if (some < 0) fail("read");
      if (some == 0) break;
      got += static_cast<size_t>(some);
    }
    to.resize(before + got);
  }

 private:
  [[noreturn]] void fail(std::string_view what) const {
    throw Error(Code::kRead, fmt::format("cannot {} {}: {}", what, path_, std::strerror(errno)),
                "check the path and the rights of this user");
  }
  std::string path_;
  int fd_;
};

std::string digest_of(const File& file, uint64_t size) {
  std::string sampled;
  const auto add = [&](uint64_t at, uint64_t n) { file.read(at, n, sampled); };
  const uint64_t between = size > 2 * kEndBytes ? size - 2 * kEndBytes : 0;
  add(0, std::min(size, kEndBytes));
  if (between <= kBlocks * kBlockBytes) {
    add(kEndBytes, between);
  } else {
    for (uint64_t i = 0; i < kBlocks; ++i)
      add(kEndBytes + between / kBlocks * i + between / kBlocks / 2, kBlockBytes);
  }
  if (size > kEndBytes) add(std::max(kEndBytes, size - kEndBytes), kEndBytes);
  return sha256_hex(sampled).substr(0, 32);
}

std::string_view data_of(std::string_view identity) noexcept {
  return identity.substr(0, identity.find(SourceIdentity::kBetween));
}

}  // namespace

SourceIdentity SourceIdentity::of(std::string_view text) {
  const std::string_view data = data_of(text);
  const size_t stamp = std::min(text.size(), data.size() + sizeof kBetween - 1);
  return {std::string(data), std::string(text.substr(stamp))};
}

SourceIdentity identify_file(const AllowedPath& path) {
  const File file(path);
  const struct stat status = file.status();
  const auto size = static_cast<uint64_t>(status.st_size);
  SourceIdentity out;
  out.data = fmt::format("{} bytes, digest {}", size, digest_of(file, size));
  out.stamp = fmt::format("{}, inode {}, modified {}.{:09}, changed {}.{:09}",
                          std::filesystem::absolute(path.text()).lexically_normal().string(),
                          status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                          status.st_ctim.tv_sec, status.st_ctim.tv_nsec);
  return out;
}

bool is_read_once(const std::string& place) {
  if (place == "-") return true;
  std::error_code ignored;
  const std::filesystem::file_status status = std::filesystem::status(place, ignored);
  return std::filesystem::is_fifo(status) || std::filesystem::is_socket(status) ||
         std::filesystem::is_character_file(status);
}

Sameness compare_identities(std::string_view before, std::string_view now) noexcept {
  if (before == now) return Sameness::kSame;
  const bool known = before.find(SourceIdentity::kBetween) != std::string_view::npos;
  return known && data_of(before) == data_of(now) ? Sameness::kTouched : Sameness::kOther;
}

std::string join_identities(std::string_view source, std::string_view word,
                            std::string_view other) {
  SourceIdentity out = SourceIdentity::of(source);
  const SourceIdentity added = SourceIdentity::of(other);
  out.data += fmt::format("; {}: {}", word, added.data);
  out.stamp += fmt::format("{}{}", out.stamp.empty() ? "" : "; ", added.stamp);
  return out.text();
}

}  // namespace lugger
