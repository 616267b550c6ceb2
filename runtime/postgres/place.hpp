// The forms in which a user may write a PostgreSQL place, and how long to wait for a server that is
// starting.
#pragma once
#include <functional>
#include <string>

#include "base/error.hpp"
#include "base/gate.hpp"
#include "base/stop.hpp"
#include "postgres/settings.hpp"

struct pg_conn;

namespace lugger {

/// True for postgresql:// and postgres:// URLs, local: and local:DIR, and libpq's keyword strings,
/// which may begin with any keyword that libpq knows ("service=shop", "port = 5433 user = 'x y'").
/// False for the name of an existing file or directory.
bool is_postgres_place(const std::string& place);

/// How long to wait for the first connection of this process to a server. Set once, before the
/// first connection. Not set: do not wait.
struct ConnectWait {
  int seconds = 0;
  std::function<void(const std::string&)> tell;
  const StopFlag* stop = nullptr;
};
void set_connect_wait(ConnectWait wait);

/// Decides whether to try again: the server is starting, has no free connection or refused it, this
/// process has not connected to it before, and there is time left. Waits, and reports that once.
class FirstConnection {
 public:
  explicit FirstConnection(const std::string& url);
  bool wait(const Error& error);
  void reached();

 private:
  std::string url_;
  int waited_ms_ = 0;
};

/// Connects; the caller must close the connection. Error{connect | auth} with the masked URL.
/// `more`: keywords that replace those of the URL.
pg_conn* connect_to(const AllowedUrl& place, const std::string& purpose,
                    const PgKeywords& more = {});

}  // namespace lugger
