#include "postgres/state_feed.hpp"

#include "base/digest.hpp"
#include "base/text.hpp"
#include "postgres/array_text.hpp"
#include "postgres/lease.hpp"
#include "postgres/state_read.hpp"

namespace lugger {
namespace {

// An entry of an index takes 2.7 kB. Longer keys are told apart by their digests; their beginnings
// keep neighbours together. No short key is as long as the place of a long one.
constexpr size_t kPlaceBytes = 256;
constexpr size_t kDigestBytes = 32;
// A statement of this size is one round trip that no server minds.
constexpr size_t kStatementBytes = 1 << 20;

std::string iso(std::string_view column) {
  return fmt::format(
      R"(pg_catalog.to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))", column);
}

bool is_long(std::string_view key) { return key.size() >= kPlaceBytes; }

std::string place_of(std::string_view key) {
  if (!is_long(key)) return std::string(key);
  return std::string(key.substr(0, kPlaceBytes - kDigestBytes)) + digest(DigestKind::kSha256, key);
}

/// Does the work in a transaction that nobody else's lease may end.
template <typename Work>
void within(PgSession& session, const std::string& schema, const std::string& token, Work&& work) {
  session.begin();
  try {
    if (!token.empty()) mark_unit(session, token);
    work();
    if (!token.empty()) hold_lease(session, schema, token);
    session.commit();
  } catch (...) {
    session.rollback();
    throw;
  }
}

/// Returns how many are new.
uint64_t insert_keys(PgSession& session, const std::string& schema, const SpoolUnit& unit) {
  const std::string sql = fmt::format(
      "INSERT INTO {}.spool (job, place, key) SELECT $1, pg_catalog.decode(place, 'hex'), "
      "pg_catalog.decode(key, 'hex') FROM ROWS FROM (pg_catalog.unnest($2::text[]), "
      "pg_catalog.unnest($3::text[])) AS t (place, key) ON CONFLICT DO NOTHING",
      schema);
  uint64_t inserted = 0;
  for (size_t at = 0; at < unit.keys.size();) {
    ArrayText places, keys;
    for (size_t bytes = 0; at < unit.keys.size() && bytes < kStatementBytes; ++at) {
      const std::string_view key = unit.keys[at];
      places.text(to_hex(as_bytes(place_of(key))));
      is_long(key) ? keys.text(to_hex(as_bytes(key))) : keys.null();
      bytes += 2 * key.size();
    }
    inserted += session.query(sql, {unit.job, places.finish(), keys.finish()}).affected();
  }
  return inserted;
}

}  // namespace

std::optional<FeedRecord> read_feed(PgSession& session, const std::string& schema,
                                    const std::string& job) {
  const PgRows rows = session.query(
      fmt::format("SELECT job, source_identity, position, earlier, {}, {}, \"time\", spooled FROM "
                  "{}.feeds WHERE job = $1",
                  iso("started_at"), iso("updated_at"), schema),
      {job});
  if (rows.size() == 0) return {};
  FeedRecord out;
  size_t column = 0;
  for (std::string* field :
       {&out.job, &out.source_identity, &out.position, &out.earlier, &out.started, &out.updated})
    *field = rows.text(0, column++);
  out.time = number_at(rows, 0, column++);
  out.spooled = number_at(rows, 0, column);
  return out;
}

std::vector<SpooledKey> read_spooled(PgSession& session, const std::string& schema,
                                     const std::string& job, const std::string& after,
                                     size_t limit) {
  const PgRows rows = session.query(
      fmt::format("SELECT pg_catalog.encode(place, 'hex'), "
                  "pg_catalog.encode(coalesce(key, place), 'hex') FROM {}.spool WHERE job = $1 AND "
                  "place > pg_catalog.decode($2, 'hex') ORDER BY place LIMIT {}",
                  schema, limit),
      {job, after});
  std::vector<SpooledKey> out;
  for (size_t i = 0; i < rows.size(); ++i)
    out.push_back({rows.text(i, 0), from_hex(rows.text(i, 1)).value_or("")});
  return out;
}

void write_feed(PgSession& session, const std::string& schema, const std::string& token,
                const FeedRecord& record) {
  within(session, schema, token, [&] {
    session.query(fmt::format("DELETE FROM {}.spool WHERE job = $1", schema), {record.job});
    session.query(fmt::format("DELETE FROM {}.notices WHERE job = $1", schema), {record.job});
    session.query(
        fmt::format("INSERT INTO {}.feeds AS f (job, source_identity, position, \"time\", earlier) "
                    "VALUES ($1, $2, $3, $4::numeric, $5) ON CONFLICT (job) DO UPDATE SET "
                    "source_identity = excluded.source_identity, position = excluded.position, "
                    "\"time\" = excluded.\"time\", earlier = excluded.earlier, spooled = 0, "
                    "started_at = pg_catalog.now(), updated_at = pg_catalog.now()",
                    schema),
        {record.job, record.source_identity, record.position, std::to_string(record.time),
         record.earlier});
  });
}

uint64_t spool_keys(PgSession& session, const std::string& schema, const std::string& token,
                    const SpoolUnit& unit) {
  uint64_t spooled = 0;
  within(session, schema, token, [&] {
    const PgRows kept = session.query(
        fmt::format("SELECT \"time\" FROM {}.feeds WHERE job = $1 FOR UPDATE", schema), {unit.job});
    if (kept.size() == 0) {
      throw Error(Code::kConflict,
                  fmt::format("the changes of {} are spooled no more: their keys were settled, or "
                              "deleted",
                              unit.job),
                  "`lugger runs` shows whether they are followed");
    }
    if (unit.time < number_at(kept, 0, 0)) {
      raise(Code::kBug, "the changes of {} would go back from {} to {}", unit.job,
            number_at(kept, 0, 0), unit.time);
    }
    const uint64_t added = insert_keys(session, schema, unit);
    spooled = number_at(
        session.query(fmt::format("UPDATE {}.feeds SET position = $2, \"time\" = $3::numeric, "
                                  "spooled = spooled + $4::bigint, updated_at = pg_catalog.now() "
                                  "WHERE job = $1 RETURNING spooled",
                                  schema),
                      {unit.job, unit.position, std::to_string(unit.time), std::to_string(added)}),
        0, 0);
    // After a crash of the server keys and position are those of a moment before.
    session.execute("SET LOCAL synchronous_commit = off");
  });
  return spooled;
}

void delete_feed(PgSession& session, const std::string& schema, const std::string& token,
                 const std::string& job) {
  within(session, schema, token, [&] {
    session.query(fmt::format("DELETE FROM {}.spool WHERE job = $1", schema), {job});
    session.query(fmt::format("DELETE FROM {}.feeds WHERE job = $1", schema), {job});
  });
}

}  // namespace lugger
