#include "postgres/step_state.hpp"

#include "postgres/catalog.hpp"

namespace lugger {
namespace {

// Never the text of the statement, because it may contain data.
constexpr std::string_view kDescribe =
    "pg_catalog.format('pid %s (%s, %s for %s)', a.pid, coalesce(nullif(a.application_name, ''), "
    "a.usename),"
    " coalesce(a.state, a.backend_type),"
    " pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() - coalesce(a.xact_start, "
    "a.backend_start)))";

std::string index_name(const StageStep& step) {
  const size_t dot = step.table.find('.');
  const std::string schema = dot == std::string::npos ? "" : step.table.substr(0, dot + 1);
  return PgSession::quote_table(schema.empty() ? step.name : schema + step.name);
}

StepState index_state(PgSession& session, const StageStep& step) {
  const PgRows rows = session.query_again(
      "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
      " WHERE i.indrelid = pg_catalog.to_regclass($1) AND c.relname = $2",
      {PgSession::quote_table(step.table), step.name});
  if (rows.size() == 0) return StepState::kWaiting;
  return rows.text(0, 0) == "t" ? StepState::kDone : StepState::kInvalid;
}

StepState constraint_state(PgSession& session, const StageStep& step) {
  const PgRows rows = session.query_again(
      "SELECT convalidated FROM pg_constraint WHERE conrelid = pg_catalog.to_regclass($1) AND "
      "conname = $2",
      {PgSession::quote_table(step.table), step.name});
  if (rows.size() == 0) return StepState::kWaiting;
  return rows.text(0, 0) == "t" ? StepState::kDone : StepState::kStarted;
}

}  // namespace

StepState step_state(PgSession& session, const StageStep& step) {
  if (step.kind == StepKind::kIndex) return index_state(session, step);
  const StepState constraint = constraint_state(session, step);
  if (step.kind == StepKind::kNotNull) {
    if (!nullable_columns(session, step).empty())
      return constraint == StepState::kWaiting ? StepState::kWaiting : StepState::kStarted;
    return constraint == StepState::kWaiting ? StepState::kDone : StepState::kStarted;
  }
  if (step.kind == StepKind::kUnique && constraint == StepState::kWaiting) {
    const StepState index = index_state(session, step);
    return index == StepState::kDone ? StepState::kStarted : index;
  }
  return constraint;
}

std::vector<std::string> nullable_columns(PgSession& session, const StageStep& step) {
  std::vector<std::string> out;
  for (const std::string& column : step.columns) {
    const PgRows rows = session.query_again(
        fmt::format(
            "SELECT {} FROM pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass($1) AND "
            "a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped",
            kNeverNull),
        {PgSession::quote_table(step.table), column});
    if (rows.size() == 0) {
      throw Error(Code::kConfig, fmt::format("not_null: {} has no column {}", step.table, column));
    }
    if (rows.text(0, 0) != "t") out.push_back(column);
  }
  return out;
}

std::string builder_of(PgSession& session, const StageStep& step) {
  const PgRows rows = session.query_again(
      fmt::format(
          "SELECT {} FROM pg_stat_progress_create_index p JOIN pg_stat_activity a USING (pid)"
          " WHERE p.index_relid = pg_catalog.to_regclass($1) AND a.pid <> "
          "pg_catalog.pg_backend_pid()",
          kDescribe),
      {index_name(step)});
  return rows.size() == 0 ? "" : rows.text(0, 0);
}

std::string lock_holders(PgSession& session, const std::string& table) {
  const PgRows rows = session.query_again(
      fmt::format(
          "SELECT pg_catalog.string_agg(d, ', ') FROM (SELECT DISTINCT {} AS d, a.xact_start"
          " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
          " WHERE l.relation = pg_catalog.to_regclass($1) AND l.granted AND l.pid <> "
          "pg_catalog.pg_backend_pid()"
          " AND l.database = (SELECT oid FROM pg_database WHERE datname ="
          " pg_catalog.current_database()) ORDER BY a.xact_start LIMIT 3) x",
          kDescribe),
      {PgSession::quote_table(table)});
  return rows.text(0, 0);
}

std::optional<AwaitedLock> awaited_lock(PgSession& session, const std::string& pid,
                                        const std::vector<std::string>& ours) {
  const PgRows rows = session.query(
      fmt::format(
          "SELECT coalesce((SELECT coalesce(l.relation::regclass::text, CASE l.locktype WHEN "
          "'transactionid' THEN 'a row' ELSE l.locktype END) FROM pg_locks l WHERE l.pid = $1::int "
          "AND NOT l.granted LIMIT 1), 'something'), pg_catalog.string_agg(CASE WHEN b.pid = 0 "
          "THEN "
          "'a prepared transaction' ELSE {} END, ', ' ORDER BY a.xact_start), "
          "pg_catalog.string_agg(b.pid::text, ',' ORDER BY b.pid) FROM (SELECT DISTINCT "
          "pg_catalog.unnest(pg_catalog.pg_blocking_pids($1::int))) AS b (pid) LEFT JOIN "
          "pg_stat_activity a ON a.pid = b.pid WHERE b.pid <> ALL ($2::int[]) HAVING "
          "pg_catalog.count(*) > 0",
          kDescribe),
      {pid, fmt::format("{{{}}}", fmt::join(ours, ","))});
  if (rows.size() == 0) return std::nullopt;
  return AwaitedLock{rows.text(0, 0), rows.text(0, 1), rows.text(0, 2)};
}

std::string describe_session(PgSession& session, const std::string& pid) {
  const PgRows rows = session.query_again(
      fmt::format("SELECT {} FROM pg_stat_activity a WHERE a.pid = $1::int", kDescribe), {pid});
  return rows.size() == 0 ? "" : rows.text(0, 0);
}

}  // namespace lugger
