// How far a server's log was written, and what of it is kept for replication slots.
#pragma once
#include <vector>

#include "place/feed_watch.hpp"
#include "postgres/session.hpp"
#include "postgres/wal_stream.hpp"

namespace lugger {

struct LogHead {
  Lsn lsn = 0;
  int64_t micros = 0;  // when that was, Unix time
};
LogHead log_head(PgSession& session);

/// For each slot of this database.
std::vector<KeptLog> kept_logs(PgSession& session);

}  // namespace lugger
