// local: and local:DIR: a private PostgreSQL on a unix socket, started from the installed server
// binaries.
#pragma once
#include <memory>
#include <string>

namespace lugger {

/// Starts the server of a directory, or uses it when another lugger process already runs it. "" is
/// a temporary directory, removed at the end.
class PgServer {
 public:
  explicit PgServer(const std::string& directory);
  ~PgServer();
  PgServer(const PgServer&) = delete;
  PgServer& operator=(const PgServer&) = delete;
  /// "postgresql:///postgres?host=...", for PgSession and psql.
  const std::string& url() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// "local:DIR" becomes the URL of its server, which is started on first use and runs until the
/// process ends. Any other URL is returned unchanged. Hold `keep` as long as the server is needed.
std::string resolve_pg_url(const std::string& place, std::shared_ptr<PgServer>& keep);

}  // namespace lugger
