#include "postgres/state.hpp"

namespace lugger {
namespace {

bool has(PgSession& session, const std::string& relation) {
  return session.query("SELECT pg_catalog.to_regclass($1) IS NOT NULL", {relation}).text(0, 0) ==
         "t";
}

/// What was told and noticed of jobs that have no run any more.
void forget_jobs(PgSession& session, const std::string& schema) {
  for (const char* table : {"watched", "notices"}) {
    const std::string name = fmt::format("{}.{}", schema, table);
    if (!has(session, name)) continue;
    session.query(fmt::format(
        "DELETE FROM {0} t WHERE NOT EXISTS (SELECT FROM {1}.runs r WHERE r.job = t.job){2}", name,
        schema,
        has(session, schema + ".feeds")
            ? fmt::format(" AND NOT EXISTS (SELECT FROM {}.feeds f WHERE f.job = t.job)", schema)
            : ""));
  }
}

}  // namespace

Pruned prune_runs(PgSession& session, const std::string& schema_name, uint64_t keep,
                  uint64_t seconds) {
  const std::string schema = PgSession::quote_name(schema_name);
  if (!has(session, schema + ".runs")) return {};
  // A run whose images are kept can still be undone. A ledger of an older version has none.
  const std::string undoable =
      has(session, schema + ".images")
          ? fmt::format(" AND NOT EXISTS (SELECT FROM {}.images i WHERE i.run = r.run)", schema)
          : "";
  // A copy whose changes are not settled yet is looked for when they are.
  const std::string copied =
      has(session, schema + ".feeds")
          ? fmt::format(" AND NOT EXISTS (SELECT FROM {}.feeds f WHERE f.job = r.job)", schema)
          : "";
  const PgRows rows = session.query(
      fmt::format(
          "WITH finished AS (SELECT run, updated_at, pg_catalog.row_number() OVER (PARTITION BY "
          "job, mode = $3 ORDER BY "
          "started_at DESC, run DESC) AS place FROM {0}.runs r WHERE status IN ('done', "
          "'abandoned'){1}{2}), old AS (SELECT run FROM finished WHERE place > $1::bigint AND "
          "updated_at < pg_catalog.now() - pg_catalog.make_interval(secs => $2::float8)), refused "
          "AS (DELETE FROM "
          "{0}.rejects WHERE run IN (SELECT run FROM old) RETURNING 1), gone AS (DELETE FROM "
          "{0}.runs WHERE run IN (SELECT run FROM old) RETURNING 1) "
          "SELECT (SELECT pg_catalog.count(*) FROM gone), (SELECT pg_catalog.count(*) FROM "
          "refused)",
          schema, undoable, copied),
      {std::to_string(keep), std::to_string(seconds), std::string(kFollowMode)});
  forget_jobs(session, schema);
  return {std::stoull(rows.text(0, 0)), std::stoull(rows.text(0, 1))};
}

}  // namespace lugger
