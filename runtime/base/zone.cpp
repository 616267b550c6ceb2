#include "base/zone.hpp"

#include <cctz/time_zone.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <vector>

namespace lugger {

namespace {

constexpr int32_t kFirst = 2;  // 0 and 1 are UTC and "no zone" where zones are stored
constexpr int32_t kMost = 2048;

struct Zone {
  std::string name;
  cctz::time_zone zone;
};

/// Zones are added, and never taken out: who has a number may read without a lock.
class Zones {
 public:
  int32_t find(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const int32_t count = count_.load(std::memory_order_relaxed);
    for (int32_t i = 0; i < count; ++i) {
      if (zones_[static_cast<size_t>(i)].name == name) return i + kFirst;
    }
    Zone made{std::string(name), {}};
    if (count == kMost || !cctz::load_time_zone(made.name, &made.zone)) return 0;
    zones_[static_cast<size_t>(count)] = std::move(made);
    count_.store(count + 1, std::memory_order_release);
    return count + kFirst;
  }

  const Zone& at(int32_t zone) const noexcept {
    const int32_t count = count_.load(std::memory_order_acquire);
    return zone >= kFirst && zone - kFirst < count ? zones_[static_cast<size_t>(zone - kFirst)]
                                                   : utc_;
  }

 private:
  std::mutex mutex_;
  std::atomic<int32_t> count_{0};
  std::array<Zone, kMost> zones_;
  Zone utc_{"UTC", cctz::utc_time_zone()};
};

Zones& zones() {
  static Zones all;
  return all;
}

std::filesystem::path database() {
  const char* set = std::getenv("TZDIR");
  return set != nullptr && *set != '\0' ? set : "/usr/share/zoneinfo";
}

/// Names are paths in the database, and must not lead out of it.
bool is_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '/';
  };
  return !name.empty() && name.size() < 64 && name[0] >= 'A' && name[0] <= 'Z' &&
         std::all_of(name.begin(), name.end(), plain);
}

cctz::time_point<cctz::seconds> at_seconds(int64_t seconds) noexcept {
  return cctz::time_point<cctz::seconds>(cctz::seconds(seconds));
}

int64_t seconds_of(const cctz::time_point<cctz::seconds>& point) noexcept {
  return point.time_since_epoch().count();
}

}  // namespace

int32_t find_zone(std::string_view name) {
  std::error_code error;
  // The library takes "Fixed/UTC+01:00:00" too, which no server knows.
  const bool there = is_name(name) && std::filesystem::is_regular_file(database() / name, error);
  if (!there) return std::filesystem::is_directory(database(), error) ? 0 : -1;
  return zones().find(name);
}

int32_t zone_offset(int32_t zone, int64_t unix_seconds) noexcept {
  return zones().at(zone).zone.lookup(at_seconds(unix_seconds)).offset;
}

int64_t zone_instant(int32_t zone, int64_t local_seconds) noexcept {
  const cctz::civil_second local = cctz::civil_second(1970, 1, 1) + local_seconds;
  const auto found = zones().at(zone).zone.lookup(local);
  return seconds_of(found.kind == cctz::time_zone::civil_lookup::REPEATED ? found.post : found.pre);
}

std::string zone_name(int32_t zone) { return zones().at(zone).name; }

std::string zone_abbreviation(int32_t zone, int64_t unix_seconds) {
  return zones().at(zone).zone.lookup(at_seconds(unix_seconds)).abbr;
}

std::string zone_names() {
  namespace fs = std::filesystem;
  std::vector<std::string> names;
  std::error_code error;
  const fs::path root = database();
  for (fs::recursive_directory_iterator at(root, error), end; at != end; at.increment(error)) {
    std::string name = at->path().lexically_relative(root).string();
    if (is_name(name) && at->is_regular_file(error)) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  std::string out;
  for (const std::string& name : names) out += name + "\n";
  return out;
}

}  // namespace lugger
