#include "pinecone/freshness.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/digest.hpp"
#include "base/fields.hpp"
#include "base/stop.hpp"
#include "base/url.hpp"
#include "base/whole_file.hpp"

namespace lugger {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kPrefix = 16;
constexpr std::chrono::duration<double> kFirst(0.1), kLongest(2);

Clock::time_point after(std::chrono::duration<double> time) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(time);
}

}  // namespace

void rest(std::chrono::duration<double> time) {
  constexpr std::chrono::milliseconds kSlice(50);
  for (const Clock::time_point until = after(time); Clock::now() < until;) {
    if (StopScope::current().due())
      raise(Code::kInterrupted, "stopped while an index was waited for");
    std::this_thread::sleep_for(std::min<Clock::duration>(kSlice, until - Clock::now()));
  }
}

PineconeFreshness::PineconeFreshness(const std::filesystem::path& directory, const std::string& of,
                                     std::chrono::duration<double> patience)
    : file_(directory / "pinecone" / (sha256_hex(of).substr(0, kPrefix) + ".lsn")),
      patience_(patience) {}

/// One line a namespace: its name, percent-encoded, and the number.
std::map<std::string, uint64_t> PineconeFreshness::kept() const {
  std::map<std::string, uint64_t> out;
  std::error_code none;
  if (!std::filesystem::exists(file_, none)) return out;
  std::ifstream file(AllowedPath(file_).text());
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (size_t from = 0; from < text.size();) {
    const size_t end = std::min(text.find('\n', from), text.size());
    const std::string_view line = std::string_view(text).substr(from, end - from);
    const size_t blank = line.rfind(' ');
    uint64_t lsn = 0;
    if (blank != std::string_view::npos)
      std::from_chars(line.data() + blank + 1, line.data() + line.size(), lsn);
    if (lsn != 0) out[percent_decode(line.substr(0, blank))] = lsn;
    from = end + 1;
  }
  return out;
}

void PineconeFreshness::forget() const noexcept {
  std::error_code none;
  std::filesystem::remove(file_, none);
}

void PineconeFreshness::keep(const std::map<std::string, uint64_t>& lsns, bool was_empty) const {
  if (lsns.empty()) return;
  std::map<std::string, uint64_t> all = kept();
  for (const auto& [name, lsn] : lsns) all[name] = was_empty ? lsn : std::max(all[name], lsn);
  std::string text;
  for (const auto& [name, lsn] : all) text += fmt::format("{} {}\n", percent_encode(name), lsn);
  std::filesystem::create_directories(AllowedPath(file_.parent_path()).text());
  write_whole_file(AllowedPath(file_), text);
}

void PineconeFreshness::wait(PineconeData& data, const std::string& name_space) const {
  const std::map<std::string, uint64_t> all = kept();
  const auto wanted = all.find(name_space);
  if (wanted == all.end() || patience_.count() == 0) return;
  const Clock::time_point until = after(patience_);
  for (auto time = kFirst;; time = std::min(2 * time, kLongest)) {
    data.list(name_space, "");
    const PineconeLsn seen = data.reconciled();
    if (!seen || *seen >= wanted->second) return;
    if (Clock::now() >= until) {
      throw Error(
          Code::kVerify,
          fmt::format("the namespace {} does not show yet what was written to it: reads are "
                      "at {}, writes at {}",
                      shown_namespace(name_space), *seen, wanted->second),
          "nothing is known to be different; verify again later, wait longer, patience_s = 600, or "
          "compare what shows, patience_s = 0");
    }
    rest(time);
  }
}

bool PineconeFreshness::look_again(const PineconeData& data, const std::string& name_space) {
  if (const PineconeLsn seen = data.reconciled()) {
    const std::map<std::string, uint64_t> all = kept();
    const auto wanted = all.find(name_space);
    if (wanted == all.end() || *seen >= wanted->second) return false;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!until_) until_ = after(patience_);
    if (Clock::now() >= *until_) return false;
  }
  rest(std::min(kLongest, patience_ / 20 + kFirst));
  return true;
}

}  // namespace lugger
