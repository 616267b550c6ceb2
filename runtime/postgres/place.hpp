// What a user may write for a PostgreSQL, and connecting to it: how long a server that is starting is
// waited for.
#pragma once
#include <functional>
#include <string>

#include "base/error.hpp"
#include "base/gate.hpp"
#include "base/stop.hpp"

struct pg_conn;

namespace lugger {

/// postgresql:// and postgres:// URLs, local: and local:DIR, and libpq's keyword strings, which
/// begin with any keyword that libpq knows ("service=shop", "port = 5433 user = 'x y'"). What
/// exists as a file or directory is that.
bool is_postgres_place(const std::string& place);

/// How the first connection of this process to a server is waited for. Set once, before the first
/// one; without it nothing is waited for.
struct ConnectWait {
  int seconds = 0;
  std::function<void(const std::string&)> tell;
  const StopFlag* stop = nullptr;
};
void set_connect_wait(ConnectWait wait);

/// Whether to try again: the server is starting, has no connection free or refused, nobody has
/// connected to it before, and there is time left. Waits, and tells so once.
class FirstConnection {
 public:
  explicit FirstConnection(const std::string& url);
  bool wait(const Error& error);
  void reached();

 private:
  std::string url_;
  int waited_ms_ = 0;
};

/// A connection to it, which the caller ends. Error{connect | auth} with the masked URL.
pg_conn* connect_to(const AllowedUrl& place, const std::string& purpose);

}  // namespace lugger
