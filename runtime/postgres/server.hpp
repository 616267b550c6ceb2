// local: and local:DIR, a private PostgreSQL on a unix socket, from the server binaries that are
// installed.
#pragma once
#include <memory>
#include <string>

namespace lugger {

/// Starts (or joins, when another process of ours runs it) the server of a directory; "" is a
/// temporary directory, removed at the end.
class PgServer {
 public:
  explicit PgServer(const std::string& directory);
  ~PgServer();
  PgServer(const PgServer&) = delete;
  PgServer& operator=(const PgServer&) = delete;
  /// "postgresql:///postgres?host=..." for PgSession and psql.
  const std::string& url() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// "local:DIR" -> URL of its server, started on first use and kept until the process ends; any
/// other URL is returned as it is. `keep` is held by whoever needs the server alive.
std::string resolve_pg_url(const std::string& place, std::shared_ptr<PgServer>& keep);

}  // namespace lugger
