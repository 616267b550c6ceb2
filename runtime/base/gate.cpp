#include "base/gate.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "base/error.hpp"
#include "base/url.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

/// One for the process, because the code that opens something is far from the code that was told
/// to.
struct Gate {
  std::atomic<bool> shut{false};
  std::mutex mutex;
  std::set<std::string> places;
  std::vector<fs::path> paths;  // with symbolic links resolved
  std::map<std::string, std::string> renewed;
  fs::path here;
};

Gate& gate() {
  static Gate one;
  return one;
}

fs::path behind_links(const std::string& path) {
  std::error_code fault;
  fs::path out = fs::weakly_canonical(fs::absolute(path, fault), fault);
  if (fault) return {};
  return out.has_filename() ? out : out.parent_path();
}

bool lies_in(const fs::path& path, const fs::path& directory) {
  const auto [end, rest] =
      std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return end == directory.end();
}

/// True for paths below "/" that are not ordinary files: those the kernel provides.
bool is_of_the_system(const fs::path& path) {
  return lies_in(path, "/proc") || lies_in(path, "/sys") || lies_in(path, "/dev");
}

[[noreturn]] void refuse(const std::string& place) {
  throw Error(Code::kConfig, fmt::format("the sandbox has no place {}", mask_secrets(place)),
              "name it under [connections] of lugger.toml, or give it on the command line");
}

}  // namespace

AllowedPath::AllowedPath(std::string path) : text_(std::move(path)) {
  Gate& one = gate();
  if (!one.shut || text_ == "-") return;
  if (text_.find('\0') != std::string::npos) refuse(text_);
  const fs::path whole = behind_links(text_);
  const std::lock_guard lock(one.mutex);
  for (const fs::path& allowed : one.paths) by_name_ = by_name_ || lies_in(whole, allowed);
  if (by_name_ || (!whole.empty() && lies_in(whole, one.here) && !is_of_the_system(whole))) return;
  refuse(text_);
}

AllowedPath AllowedPath::belonging(const fs::path& other) const {
  if (!by_name_) return {other};
  AllowedPath out(*this);
  out.text_ = other.string();
  return out;
}

AllowedUrl::AllowedUrl(std::string url) : text_(std::move(url)) {
  Gate& one = gate();
  const std::lock_guard lock(one.mutex);
  if (one.shut && !one.places.contains(text_)) refuse(text_);
  if (const auto found = one.renewed.find(text_); found != one.renewed.end()) text_ = found->second;
}

void renew_place(const std::string& place, const std::string& renewed) {
  const std::lock_guard lock(gate().mutex);
  gate().renewed[place] = renewed;
}

void shut_gate() {
  Gate& one = gate();
  const std::lock_guard lock(one.mutex);
  if (one.shut) return;
  one.here = behind_links(".");
  one.shut = true;
}

bool gate_is_shut() { return gate().shut; }

void allow_place(const std::string& place) {
  Gate& one = gate();
  const std::string_view scheme = url_scheme(place);
  std::string path = place;
  if (scheme == "local") path = place.substr(std::string_view("local:").size());
  if (scheme == "file") {
    std::string_view rest = std::string_view(place).substr(std::string_view("file:").size());
    if (rest.starts_with("//")) rest.remove_prefix(2);
    path = percent_decode(rest);
  }
  const bool is_path = scheme.empty() || scheme == "local" || scheme == "file";
  const fs::path whole = is_path && path.find('\0') == std::string::npos && !path.empty()
                             ? behind_links(path)
                             : fs::path();
  const std::lock_guard lock(one.mutex);
  one.places.insert(place);
  // "/" would allow everything.
  if (!whole.empty() && whole.has_relative_path()) one.paths.push_back(whole);
}

void refuse_program_in_sandbox(std::string_view program) {
  if (gate_is_shut()) raise(Code::kConfig, "the sandbox starts no programs: {}", program);
}

}  // namespace lugger
