#include <array>
#include <unordered_map>

#include "base/text.hpp"
#include "place/books.hpp"
#include "postgres/array_text.hpp"
#include "postgres/state.hpp"
#include "postgres/state_feed.hpp"
#include "postgres/state_notices.hpp"

namespace lugger {
namespace {

// A statement of this size is one round trip that no server minds.
constexpr size_t kStatementBytes = 1 << 20;
constexpr size_t kStatementRows = 200;
// Twice this as hex must stay under the 1 GB a parameter may have.
constexpr size_t kMostRaw = size_t{400} << 20;
// json's parser recurses on the server's stack; 6000 levels fit its default, deeper documents are
// kept as raw bytes alone.
constexpr int kMostLevels = 2000;
constexpr std::string_view kUntranslatable = "22P05";

/// Text as PostgreSQL takes it; what a reject holds may be anything.
std::string storable(std::string_view text) {
  std::string out = is_utf8(text) ? std::string(text) : replace_invalid_utf8(text);
  for (size_t at = out.find('\0'); at != std::string::npos; at = out.find('\0', at + 3)) {
    out.replace(at, 1, "\xEF\xBF\xBD");
  }
  return out;
}

int json_levels(std::string_view json) {
  int level = 0, most = 0;
  bool quoted = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      most = std::max(most, ++level);
    } else if (c == '}' || c == ']') {
      --level;
    }
  }
  return most;
}

std::optional<std::string> stored_document(const std::string& json) {
  if (json.empty() || json_levels(json) > kMostLevels) return std::nullopt;
  return storable(json);
}

std::optional<std::string> stored_raw(const std::string& raw) {
  if (raw.empty() || raw.size() > kMostRaw) return std::nullopt;
  return "\\x" + to_hex(as_bytes(raw));
}

/// Of texts that the database's encoding cannot hold only what is ASCII is kept as it is: a reject
/// must never stand in the way of its unit.
void query_storable(PgSession& session, const std::string& sql, PgParams& params) {
  if (session.stores_utf8()) {
    session.query(sql, params);
    return;
  }
  session.execute("SAVEPOINT lugger_rejects");
  try {
    session.query(sql, params);
  } catch (const Error& error) {
    if (error.sqlstate() != kUntranslatable) throw;
    session.execute("ROLLBACK TO SAVEPOINT lugger_rejects");
    for (std::optional<std::string>& param : params) {
      if (param) param = escape_non_ascii(*param);
    }
    session.query(sql, params);
  }
  session.execute("RELEASE SAVEPOINT lugger_rejects");
}

/// The last place of each document in a unit of changes; empty: no reject is out of date.
using LastPlaces = std::unordered_map<std::string, size_t>;

/// Deletes what the ledger has of documents that this unit brings anew.
LastPlaces forget_earlier(PgSession& session, const std::string& schema, const UnitRecord& unit) {
  LastPlaces out;
  if (!unit.documents || (!unit.rejected_before && unit.rejects.empty())) return out;
  size_t place = 0;
  for (std::string& id : unit.documents()) out[std::move(id)] = place++;
  if (!unit.rejected_before) return out;
  ArrayText ids;
  for (const auto& [id, last] : out) ids.text(storable(id));
  session.query(fmt::format("DELETE FROM {0}.rejects WHERE document_id = ANY ($1::text[]) AND job "
                            "= coalesce(nullif($2, ''), (SELECT job FROM {0}.runs WHERE run = $3))",
                            schema),
                {ids.finish(), unit.job, unit.run});
  return out;
}

/// Those that say what became of their document last.
std::vector<const RejectRecord*> rejects_to_keep(const UnitRecord& unit, const LastPlaces& last) {
  std::vector<const RejectRecord*> out;
  for (const RejectRecord& reject : unit.rejects) {
    const auto found = last.find(reject.document_id);
    if (found == last.end() || reject.place >= found->second) out.push_back(&reject);
  }
  return out;
}

void write_rejects(PgSession& session, const std::string& schema, const UnitRecord& unit,
                   const std::vector<const RejectRecord*>& rejects) {
  constexpr size_t kColumns = 10;
  PgParams params;
  std::string values;
  size_t bytes = 0;
  const auto flush = [&] {
    if (params.empty()) return;
    query_storable(
        session,
        fmt::format(
            "INSERT INTO {0}.rejects (run, job, \"table\", document_id, \"column\", code, message, "
            "document, raw, operation) SELECT v.run, coalesce(nullif(v.job, ''), r.job, ''), "
            "v.tab, "
            "v.id, v.col, v.code, v.message, v.document::json, v.raw::bytea, v.operation FROM "
            "(VALUES {1}) "
            "AS v (n, run, job, tab, id, col, code, message, document, raw, operation) "
            "LEFT JOIN {0}.runs r ON r.run = v.run ORDER BY v.n",
            schema, values),
        params);
    params.clear(), values.clear(), bytes = 0;
  };
  for (const RejectRecord* kept : rejects) {
    const RejectRecord& reject = *kept;
    std::string row = std::to_string(params.size());
    for (size_t i = 1; i <= kColumns; ++i) row += fmt::format(", ${}::text", params.size() + i);
    values += fmt::format("{}({})", values.empty() ? "" : ", ", row);
    params.insert(params.end(),
                  {storable(reject.run.empty() ? unit.run : reject.run),
                   storable(reject.job.empty() ? unit.job : reject.job), storable(reject.table),
                   storable(reject.document_id), storable(reject.column), storable(reject.code),
                   storable(unit.redact ? reject.code : reject.message),
                   unit.redact ? std::nullopt : stored_document(reject.document),
                   unit.redact ? std::nullopt : stored_raw(reject.raw),
                   std::string(operation_word(reject.operation))});
    bytes += reject.document.size() + 2 * reject.raw.size() + reject.message.size();
    if (bytes >= kStatementBytes || params.size() >= kStatementRows * kColumns) flush();
  }
  flush();
}

void forget_resolved(PgSession& session, const std::string& schema, const UnitRecord& unit) {
  if (unit.resolved.empty()) return;
  session.query(fmt::format("DELETE FROM {}.rejects WHERE reject = ANY ($1::bigint[])", schema),
                {fmt::format("{{{}}}", fmt::join(unit.resolved, ","))});
}

}  // namespace

void write_unit(PgSession& session, const std::string& schema_name, const UnitRecord& unit) {
  check_books(unit.tally);
  const std::string schema = PgSession::quote_name(schema_name);
  forget_resolved(session, schema, unit);
  if (!unit.answered.empty()) forget_answered(session, schema, unit.job, unit.answered);
  std::vector<const RejectRecord*> rejects =
      rejects_to_keep(unit, forget_earlier(session, schema, unit));
  write_rejects(session, schema, unit, rejects);
  std::erase_if(rejects, [](const RejectRecord* reject) { return reject->key.empty(); });
  if (unit.keeps_refused) keep_refused(session, schema, unit, rejects);
  PgParams params{unit.run, unit.partition, unit.position, unit.done ? "true" : "false"};
  std::string names, places, sums;
  for (const TallyCount& count : kTallyCounts) {
    params.emplace_back(std::to_string(unit.tally.*count.of));
    names += fmt::format(", {}", count.name);
    places += fmt::format(", ${}", params.size());
    sums += fmt::format("{0} = p.{0} + excluded.{0}, ", count.name);
  }
  session.query(
      fmt::format("INSERT INTO {}.partitions AS p (run, partition, position, done{}) VALUES ($1, "
                  "$2, $3, $4{}) ON CONFLICT (run, partition) DO UPDATE SET position = "
                  "excluded.position, done = excluded.done, {}updated_at = pg_catalog.now()",
                  schema, names, places, sums),
      params);
  write_notices(session, schema, unit.notices);
  if (unit.clears) {
    session.query(fmt::format("DELETE FROM {0}.rejects WHERE job = (SELECT job FROM {0}.runs WHERE "
                              "run = $1)",
                              schema),
                  {unit.run});
  }
  if (!unit.source_identity.empty()) {
    session.query(fmt::format("UPDATE {}.runs SET source_identity = $2 WHERE run = $1", schema),
                  {unit.run, unit.source_identity});
  }
  if (unit.settled) forget_settled(session, schema, unit);
}

void correct_books(PgSession& session, const std::string& schema_name, const std::string& run,
                   const Tally& before, const Tally& after) {
  PgParams params{run};
  std::string set;
  for (const TallyCount& count : kTallyCounts) {
    const uint64_t moved = after.*count.of - before.*count.of;
    if (moved == 0) continue;
    params.emplace_back(std::to_string(static_cast<int64_t>(moved)));
    set += fmt::format("{0}{1} = {1} + ${2}", set.empty() ? "" : ", ", count.name, params.size());
  }
  if (set.empty()) return;
  // A run's counts are the sums over its partitions: any one of them may carry the difference.
  session.query(fmt::format("UPDATE {0}.partitions SET {1} WHERE run = $1 AND partition = (SELECT "
                            "pg_catalog.min(partition) FROM {0}.partitions WHERE run = $1)",
                            PgSession::quote_name(schema_name), set),
                params);
}

}  // namespace lugger
