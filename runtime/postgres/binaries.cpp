#include "postgres/binaries.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/error.hpp"
#include "postgres/process.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

bool runnable(const fs::path& program) { return access(program.c_str(), X_OK) == 0; }

bool holds_server(const fs::path& directory) {
  return runnable(directory / "initdb") && runnable(directory / "postgres") &&
         runnable(directory / "pg_ctl");
}

int leading_number(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::vector<fs::path> path_directories() {
  const char* variable = std::getenv("PATH");
  std::string_view left = variable == nullptr ? "" : variable;
  std::vector<fs::path> out;
  while (!left.empty()) {
    const size_t colon = left.find(':');
    if (colon != 0) out.emplace_back(left.substr(0, colon));
    if (colon == std::string_view::npos) break;
    left.remove_prefix(colon + 1);
  }
  return out;
}

/// "postgres (PostgreSQL) 15.20 (Debian ...)" -> 15.
int major_of(const fs::path& directory) {
  const std::string said =
      run_process({(directory / "postgres").string(), "--version"}, std::nullopt).output;
  const size_t at = said.find(") ");
  return at == std::string::npos ? 0 : leading_number(std::string_view(said).substr(at + 2));
}

}  // namespace

std::vector<PgBinaries> installed_servers(const fs::path& debian) {
  std::vector<PgBinaries> out;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(debian, none)) {
    const int major = leading_number(entry.path().filename().string());
    if (major > 0 && holds_server(entry.path() / "bin"))
      out.push_back({entry.path() / "bin", major});
  }
  for (const fs::path& directory : path_directories()) {
    if (holds_server(directory)) out.push_back({directory, major_of(directory)});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.major > b.major; });
  return out;
}

PgBinaries find_server_binaries(std::optional<int> major, const fs::path& debian) {
  for (const PgBinaries& found : installed_servers(debian)) {
    if (!major || found.major == *major) return found;
  }
  if (major) {
    throw Error(
        Code::kConfig,
        fmt::format("the server directory was made by PostgreSQL {0}, which is not installed",
                    *major),
        fmt::format("apt-get install postgresql-{0}, or name another directory", *major));
  }
  throw Error(Code::kConfig,
              "local: needs the programs of a PostgreSQL server, and none are installed",
              "apt-get install postgresql, or name a server: postgresql://user@host/database");
}

}  // namespace lugger
