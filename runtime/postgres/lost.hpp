// Sessions whose connection this process lost. The server may not know it: when a firewall or NAT
// drops a connection, often neither side is told. Until the server notices, the session keeps its
// locks and its open transaction, and a process that resumes would wait for its own old session.
#pragma once
#include <string>

#include "postgres/session.hpp"

namespace lugger {

/// Identifies a session of the server: its pid and start time.
struct PgBackend {
  std::string pid, started;
};

/// Runs statements whose last result identifies the session, so that this costs no extra round
/// trip.
PgBackend backend_after(PgSession& session, const std::string& statements);

/// Remembers a lost connection; the next session of the same URL terminates its backend.
void remember_lost(const std::string& url, PgBackend backend) noexcept;
void end_lost(PgSession& session, const std::string& url);

/// Terminates sessions that hold one of these advisory locks, and waits briefly until they are
/// gone. Sessions of other roles may not be terminated.
void end_holders(PgSession& session, const std::vector<std::string>& keys);

}  // namespace lugger
