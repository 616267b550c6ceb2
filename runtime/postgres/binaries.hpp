// Finds the programs of a PostgreSQL server: in Debian's versioned directories, then in PATH.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace lugger {

struct PgBinaries {
  std::filesystem::path directory;  // holds initdb, postgres and pg_ctl
  int major = 0;
};

/// All installed servers, newest first.
std::vector<PgBinaries> installed_servers(
    const std::filesystem::path& debian = "/usr/lib/postgresql");

/// The newest server, or the one of a major version, which an existing cluster needs. Error{config}
/// names the package to install.
PgBinaries find_server_binaries(std::optional<int> major = std::nullopt,
                                const std::filesystem::path& debian = "/usr/lib/postgresql");

}  // namespace lugger
