#include "postgres/kept_log.hpp"

namespace lugger {

LogHead log_head(PgSession& session) {
  // The log first: what is committed up to this time is in it up to there.
  const PgRows rows = session.query(
      "SELECT h.lsn, (pg_catalog.date_part('epoch', h.at) * 1000000)::int8 FROM (SELECT "
      "pg_catalog.clock_timestamp() AS at, pg_catalog.pg_current_wal_flush_lsn() AS lsn OFFSET 0) "
      "h");
  return {lsn_of(rows.text(0, 0)).value_or(0), std::stoll(rows.text(0, 1))};
}

std::vector<KeptLog> kept_logs(PgSession& session) {
  const PgRows rows = session.query(
      "SELECT slot_name, greatest(coalesce(pg_catalog.pg_wal_lsn_diff("
      "pg_catalog.pg_current_wal_lsn(), restart_lsn), 0), 0)::int8, coalesce(wal_status, ''), "
      "safe_wal_size FROM pg_catalog.pg_replication_slots WHERE database = "
      "pg_catalog.current_database()");
  std::vector<KeptLog> out;
  for (size_t i = 0; i < rows.size(); ++i) {
    KeptLog& log = out.emplace_back();
    log.name = rows.text(i, 0);
    log.bytes = std::stoull(rows.text(i, 1));
    log.state = rows.text(i, 2);
    if (rows[i][3]) log.left = std::max<int64_t>(0, std::stoll(rows.text(i, 3)));
  }
  return out;
}

}  // namespace lugger
