#include "place/state_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>

#include "base/error.hpp"
#include "base/file_lock.hpp"
#include "base/url.hpp"

namespace lugger {
namespace {

// The last line of a group: how many bytes came before it, and their checksum. What has no such
// line was torn and is as if never written.
constexpr std::string_view kEnd = "end";

uint32_t checksum(uint32_t before, std::string_view bytes) {
  return static_cast<uint32_t>(
      crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

std::string render(const LogLine& line) {
  std::string out;
  for (size_t i = 0; i < line.size(); ++i) out += (i == 0 ? "" : "\t") + percent_encode(line[i]);
  return out + "\n";
}

LogLine parse(std::string_view text) {
  LogLine out;
  while (true) {
    const size_t tab = text.find('\t');
    out.push_back(percent_decode(text.substr(0, tab)));
    if (tab == std::string_view::npos) return out;
    text.remove_prefix(tab + 1);
  }
}

std::string end_line(uint64_t bytes, uint32_t sum) {
  return fmt::format("{}\t{}\t{:08x}\n", kEnd, bytes, sum);
}

/// Reads group after group; returns where the last whole one ends.
int64_t read_groups(const std::filesystem::path& file,
                    const std::function<bool(const std::string& line, int64_t offset)>& use) {
  std::ifstream in(file, std::ios::binary);
  std::vector<std::pair<std::string, int64_t>> group;
  int64_t offset = 0, whole = 0;
  uint64_t bytes = 0;
  uint32_t sum = 0;
  for (std::string line; std::getline(in, line) && !in.eof();) {
    const int64_t at = offset;
    offset += static_cast<int64_t>(line.size()) + 1;
    if (!line.starts_with(std::string(kEnd) + "\t")) {
      line += '\n';
      bytes += line.size();
      sum = checksum(sum, line);
      line.pop_back();
      group.emplace_back(std::move(line), at);
      continue;
    }
    // Torn by a crash of the machine: nothing after it can have been acknowledged, as append() cuts
    // before it writes.
    if (line + "\n" != end_line(bytes, sum)) return whole;
    whole = offset;
    for (const auto& [text, begins] : group) {
      if (!use(text, begins)) return whole;
    }
    group.clear();
    bytes = 0, sum = 0;
  }
  return whole;
}

std::string read_range(std::ifstream& in, uint64_t from, size_t size) {
  std::string out(size, '\0');
  in.seekg(static_cast<std::streamoff>(from));
  in.read(out.data(), static_cast<std::streamsize>(size));
  return in ? out : std::string();
}

/// True when the file's last group is whole: looked at alone, since a log may be long and every
/// earlier group was checked by its successor.
bool ends_whole(const std::filesystem::path& file, int64_t file_size) {
  if (file_size == 0) return true;
  const auto size = static_cast<uint64_t>(file_size);
  std::ifstream in(file, std::ios::binary);
  const size_t looked = std::min<uint64_t>(size, 64);
  const std::string tail = read_range(in, size - looked, looked);
  if (tail.size() < 2 || tail.back() != '\n') return false;
  const size_t before = tail.rfind('\n', tail.size() - 2);
  if (before == std::string::npos) return false;
  const std::string_view line = std::string_view(tail).substr(before + 1);
  const std::string opening = std::string(kEnd) + "\t";
  if (!line.starts_with(opening)) return false;
  uint64_t bytes = 0;
  std::from_chars(line.data() + opening.size(), line.data() + line.size(), bytes);
  if (bytes + line.size() > size) return false;
  return line == end_line(bytes, checksum(0, read_range(in, size - line.size() - bytes, bytes)));
}

[[noreturn]] void fail(const std::filesystem::path& file) {
  const int failure = errno;
  throw Error(
      Code::kConfig, fmt::format("cannot write {}: {}", file.string(), std::strerror(failure)),
      failure == ENOSPC ? "the disk is full: make room, then run the same command again" : "");
}

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

void write_all(int descriptor, std::string_view text, const std::filesystem::path& file) {
  while (!text.empty()) {
    const ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno != EINTR) fail(file);
    if (written > 0) text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

StateLog::StateLog(const std::filesystem::path& directory)
    : directory_(directory), file_(directory / "state.log") {
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) raise(Code::kConfig, "cannot make {}: {}", directory_.string(), error.message());
}

void StateLog::append(const std::vector<LogLine>& group) const {
  std::string text;
  for (const LogLine& line : group) text += render(line);
  text += end_line(text.size(), checksum(0, text));

  FileLock lock(directory_ / "state.lock");
  lock.lock_exclusive();
  const bool fresh = !std::filesystem::exists(file_);
  const Descriptor out{open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  struct stat info {};
  if (out.number < 0 || fstat(out.number, &info) != 0) fail(file_);
  off_t size = info.st_size;
  if (!ends_whole(file_, size)) {
    // A writer that died left half a group.
    size = read_groups(file_, [](const std::string&, int64_t) { return true; });
    if (ftruncate(out.number, size) != 0) fail(file_);
  }
  if (lseek(out.number, size, SEEK_SET) < 0) fail(file_);
  write_all(out.number, text, file_);
  if (fsync(out.number) != 0) fail(file_);
  if (!fresh) return;
  const Descriptor parent{open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (parent.number < 0 || fsync(parent.number) != 0) fail(directory_);
}

void StateLog::each(const std::function<bool(const LogLine&, int64_t)>& use) const {
  read_groups(file_,
              [&](const std::string& line, int64_t offset) { return use(parse(line), offset); });
}

}  // namespace lugger
