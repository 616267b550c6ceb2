#include "postgres/state_watch.hpp"

#include "postgres/lease.hpp"
#include "postgres/state_read.hpp"

namespace lugger {

void write_told(PgSession& session, const std::string& schema, const std::string& job,
                const std::string& facts) {
  session.query(fmt::format("INSERT INTO {}.watched (job, facts) VALUES ($1, $2) ON CONFLICT (job) "
                            "DO UPDATE SET facts = excluded.facts, updated_at = pg_catalog.now()",
                            schema),
                {job, ledger_text(session, facts)});
}

/// A lease without an expiry is held while somebody has its lock: the row outlives a process that was
/// killed.
std::vector<WatchRecord> read_told(PgSession& session, const std::string& schema) {
  const PgRows rows = session.query(
      fmt::format(
          "SELECT w.job, w.facts, extract(epoch FROM pg_catalog.clock_timestamp() - w.updated_at), "
          "coalesce((SELECT l.holder FROM {0}.leases l WHERE l.job IN (w.job, 'spool of ' || "
          "w.job) AND (l.expires_at > pg_catalog.now() OR l.expires_at IS NULL AND EXISTS (SELECT "
          "FROM pg_catalog.pg_locks k WHERE k.locktype = 'advisory' AND k.objsubid = 1 AND "
          "k.granted AND k.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = "
          "pg_catalog.current_database()) AND ((k.classid::bigint << 32) | k.objid::bigint) = "
          "pg_catalog.hashtextextended($1 || l.job, 0))) LIMIT 1), '') FROM {0}.watched w ORDER BY "
          "w.job",
          schema),
      {lease_key(schema, "")});
  std::vector<WatchRecord> out;
  for (size_t i = 0; i < rows.size(); ++i)
    out.push_back({rows.text(i, 0), rows.text(i, 1), std::stod(rows.text(i, 2)), rows.text(i, 3)});
  return out;
}

}  // namespace lugger
