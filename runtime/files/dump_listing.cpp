#include "files/dump_listing.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "base/clock.hpp"
#include "base/gate.hpp"
#include "files/dump_dir.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

/// The resolution of a directory's time is a tick of the kernel, or that of a remote file system.
/// So if it changed a moment ago, another change might leave the time the same.
constexpr int64_t kSettledNanos = 3'000'000'000;

struct DirectoryState {
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
  int64_t changed = 0;  // nanoseconds
  bool operator==(const DirectoryState&) const = default;
};

std::optional<DirectoryState> state_of(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return std::nullopt;
  return DirectoryState{path, found.st_dev, found.st_ino,
                        int64_t{found.st_mtim.tv_sec} * 1'000'000'000 + found.st_mtim.tv_nsec};
}

/// The states of the dump and of its databases. nullopt: one cannot be read, or changed a moment
/// ago.
std::optional<std::vector<DirectoryState>> settled_states(const std::string& directory) {
  std::vector<DirectoryState> out;
  const auto add = [&](const std::string& path) {
    const std::optional<DirectoryState> state = state_of(path);
    if (!state || unix_micros_now() * 1000 - state->changed < kSettledNanos) return false;
    out.push_back(*state);
    return true;
  };
  if (!add(directory)) return std::nullopt;
  for (const fs::directory_entry& entry : entries_of(directory)) {
    std::error_code ignored;
    if (entry.is_directory(ignored) && !add(entry.path().string())) return std::nullopt;
  }
  return out;
}

bool is_unchanged(const std::vector<DirectoryState>& known) {
  return std::all_of(known.begin(), known.end(),
                     [](const DirectoryState& one) { return state_of(one.path) == one; });
}

/// The most recently listed dump.
struct Known {
  std::mutex mutex;
  std::string directory;
  std::vector<DirectoryState> states;
  DumpListing listing;
};

Known& known() {
  static Known known;
  return known;
}

}  // namespace

DumpListing known_dump(const std::string& directory) {
  // In a sandbox every file must be checked by the gate.
  if (gate_is_shut())
    return std::make_shared<const std::vector<CollectionInfo>>(scan_dump(directory));
  const std::string whole = fs::absolute(directory).string();
  Known& last = known();
  const std::lock_guard lock(last.mutex);
  // The listing contains paths that begin with the directory as the caller wrote it.
  const std::string name = whole + '\n' + directory;
  if (last.listing && last.directory == name && is_unchanged(last.states)) return last.listing;
  last.listing.reset();
  const auto before = settled_states(directory);
  auto listing = std::make_shared<const std::vector<CollectionInfo>>(scan_dump(directory));
  if (before && is_unchanged(*before)) {
    last.directory = name;
    last.states = *before;
    last.listing = listing;
  }
  return listing;
}

}  // namespace lugger
