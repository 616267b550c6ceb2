// Sessions whose connection this process lost. The server may not know: a box in the middle that
// forgets a connection tells one side at most. Until the server notices, such a session keeps its
// locks and its open transaction, and whoever goes on waits for itself.
#pragma once
#include <string>

#include "postgres/session.hpp"

namespace lugger {

/// A session as the server knows it: its process, and when that began.
struct PgBackend {
  std::string pid, started;
};

/// Statements that end with the answer PgBackend is read from, so that it costs no round trip.
PgBackend backend_after(PgSession& session, const std::string& statements);

/// The connection is gone; the next session of the same URL ends what the server still has.
void remember_lost(const std::string& url, PgBackend backend) noexcept;
void end_lost(PgSession& session, const std::string& url);

/// Ends sessions that hold one of these advisory locks, and waits for a moment until they are gone.
/// Those of another role are not ours to end.
void end_holders(PgSession& session, const std::vector<std::string>& keys);

}  // namespace lugger
