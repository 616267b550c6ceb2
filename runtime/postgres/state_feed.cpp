#include "postgres/state_feed.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

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

/// Returns how many are new. Those that are there get the turn.
uint64_t insert_keys(PgSession& session, const std::string& schema, const std::string& job,
                     std::span<const std::string_view> all, uint64_t turn) {
  // A row that an upsert has inserted has no xmax; one that it has updated was locked by it.
  const std::string sql = fmt::format(
      "WITH kept AS (INSERT INTO {}.spool AS s (job, place, key, turn) SELECT DISTINCT $1::text, "
      "pg_catalog.decode(place, 'hex'), pg_catalog.decode(key, 'hex'), $4::bigint FROM ROWS FROM "
      "(pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) AS t (place, key) ON "
      "CONFLICT (job, place) DO UPDATE SET turn = excluded.turn WHERE s.turn < excluded.turn "
      "RETURNING xmax = 0 AS fresh) SELECT pg_catalog.count(*) FILTER (WHERE fresh) FROM kept",
      schema);
  uint64_t inserted = 0;
  for (size_t at = 0; at < all.size();) {
    ArrayText places, keys;
    for (size_t bytes = 0; at < all.size() && bytes < kStatementBytes; ++at) {
      const std::string_view key = all[at];
      places.text(to_hex(as_bytes(place_of(key))));
      is_long(key) ? keys.text(to_hex(as_bytes(key))) : keys.null();
      bytes += 2 * key.size();
    }
    inserted += number_at(
        session.query(sql, {job, places.finish(), keys.finish(), std::to_string(turn)}), 0, 0);
  }
  return inserted;
}

/// Under which name the keys of a job are spooled that somebody asks for while it is followed.
std::string asked_of(std::string_view job) { return fmt::format("repair of {}", job); }

/// Under which name the keys of a job's rejects are spooled that are to be tried again. The turn of
/// such a key is when it is, and how often it was.
std::string refused_of(std::string_view job) { return fmt::format("refused of {}", job); }

constexpr int kTriesBits = 4;
constexpr std::string_view kNowMs =
    "(extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint";

/// At once, then after a second, two, four, and so on, up to a minute. These times are the same for
/// all keys (each a multiple of the one before), so that those that wait for each other meet.
int64_t rest_ms(uint32_t tries) {
  constexpr int64_t kMost = 64'000;
  return tries == 0 ? 1 : std::min<int64_t>(kMost, int64_t{1000} << (tries - 1));
}

void forget_places(PgSession& session, const std::string& schema, const std::string& name,
                   std::string places) {
  session.query(fmt::format("DELETE FROM {}.spool WHERE job = $1 AND place IN (SELECT "
                            "pg_catalog.decode(p, 'hex') FROM pg_catalog.unnest($2::text[]) AS p)",
                            schema),
                {name, std::move(places)});
}

constexpr std::string_view kKeyColumns =
    "pg_catalog.encode(s.place, 'hex'), pg_catalog.encode(coalesce(s.key, s.place), 'hex')";

SpooledKey key_at(const PgRows& rows, size_t row) {
  return {rows.text(row, 0), from_hex(rows.text(row, 1)).value_or("")};
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

/// Record and keys come from one statement, and so from one moment.
SpooledPage read_spooled(PgSession& session, const std::string& schema, const std::string& job,
                         const std::string& after, size_t limit) {
  const PgRows rows = session.query(
      fmt::format("SELECT {1}, {2}, f.turn, f.position, f.spooled FROM {0}.feeds f LEFT JOIN "
                  "LATERAL (SELECT place, key FROM {0}.spool WHERE job = $1 AND place > "
                  "pg_catalog.decode($2, 'hex') ORDER BY place LIMIT {3}) s ON true WHERE f.job = "
                  "$1 ORDER BY s.place",
                  schema, kKeyColumns, iso("f.started_at"), limit),
      {job, after});
  SpooledPage out;
  if (rows.size() == 0) return out;
  out.feed = rows.text(0, 2);
  out.turn = number_at(rows, 0, 3);
  out.position = rows.text(0, 4);
  out.spooled = number_at(rows, 0, 5);
  const bool none = rows.text(0, 0).empty();
  for (size_t i = 0; i < rows.size() && !none; ++i) out.keys.push_back(key_at(rows, i));
  return out;
}

void write_feed(PgSession& session, const std::string& schema, const std::string& token,
                const FeedRecord& record) {
  within(session, schema, token, [&] {
    session.query(fmt::format("DELETE FROM {}.spool WHERE job IN ($1, $2)", schema),
                  {record.job, refused_of(record.job)});
    session.query(fmt::format("DELETE FROM {}.notices WHERE job = $1", schema), {record.job});
    session.query(
        fmt::format(
            "INSERT INTO {}.feeds AS f (job, source_identity, position, \"time\", earlier) "
            "VALUES ($1, $2, $3, $4::numeric, $5) ON CONFLICT (job) DO UPDATE SET "
            "source_identity = excluded.source_identity, position = excluded.position, "
            "\"time\" = excluded.\"time\", earlier = excluded.earlier, spooled = 0, turn = 0, "
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
        fmt::format("SELECT \"time\", turn FROM {}.feeds WHERE job = $1 FOR UPDATE", schema),
        {unit.job});
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
    const uint64_t turn = number_at(kept, 0, 1) + 1;
    const uint64_t added = insert_keys(session, schema, unit.job, unit.keys, turn);
    spooled = number_at(
        session.query(fmt::format("UPDATE {}.feeds SET position = $2, \"time\" = $3::numeric, "
                                  "spooled = spooled + $4::bigint, turn = $5::bigint, updated_at = "
                                  "pg_catalog.now() WHERE job = $1 RETURNING spooled",
                                  schema),
                      {unit.job, unit.position, std::to_string(unit.time), std::to_string(added),
                       std::to_string(turn)}),
        0, 0);
    // After a crash of the server keys and position are those of a moment before.
    session.execute("SET LOCAL synchronous_commit = off");
  });
  return spooled;
}

void ask_for_keys(PgSession& session, const std::string& schema, const std::string& job,
                  std::span<const std::string_view> keys) {
  insert_keys(session, schema, asked_of(job), keys, 0);
}

std::vector<SpooledKey> read_asked(PgSession& session, const std::string& schema,
                                   const std::string& job, size_t limit) {
  const PgRows rows = session.query(
      fmt::format("SELECT {} FROM {}.spool s WHERE s.job = $1 ORDER BY s.place LIMIT {}",
                  kKeyColumns, schema, limit),
      {asked_of(job)});
  std::vector<SpooledKey> out;
  for (size_t i = 0; i < rows.size(); ++i) out.push_back(key_at(rows, i));
  return out;
}

void forget_answered(PgSession& session, const std::string& schema, const std::string& job,
                     const std::vector<std::string>& places) {
  ArrayText list;
  for (const std::string& place : places) list.text(place);
  forget_places(session, schema, asked_of(job), list.finish());
}

RefusedPage read_refused(PgSession& session, const std::string& schema, const std::string& job,
                         size_t limit) {
  const PgRows rows = session.query(
      fmt::format("SELECT {0}, s.turn & {1}, (s.turn >> {2}) - {3} FROM {4}.spool s WHERE s.job = "
                  "$1 ORDER BY s.turn LIMIT {5}",
                  kKeyColumns, (1 << kTriesBits) - 1, kTriesBits, kNowMs, schema, limit + 1),
      {refused_of(job)});
  RefusedPage out;
  for (size_t i = 0; i < rows.size() && !out.next; ++i) {
    const int64_t rest = std::stoll(rows.text(i, 3));
    if (rest > 0 || out.due.size() == limit) {
      out.next = std::max<double>(0, static_cast<double>(rest) / 1000);
    } else {
      SpooledKey key = key_at(rows, i);
      out.due.push_back(
          {std::move(key.place), std::move(key.key), static_cast<uint32_t>(number_at(rows, i, 2))});
    }
  }
  return out;
}

void keep_refused(PgSession& session, const std::string& schema, const UnitRecord& unit,
                  const std::vector<const RejectRecord*>& rejects) {
  constexpr uint32_t kMostTries = (1 << kTriesBits) - 1;
  const std::string name = refused_of(unit.job);
  std::unordered_map<std::string_view, uint32_t> tries;
  ArrayText tried;
  for (const RefusedKey& key : unit.tried) {
    tried.text(key.place);
    tries[key.key] = std::min(key.tries + 1, kMostTries);
  }
  if (!unit.tried.empty()) forget_places(session, schema, name, tried.finish());
  ArrayText places, keys, turns, rests;
  std::unordered_set<std::string_view> kept;
  for (const RejectRecord* reject : rejects) {
    if (!kept.insert(reject->key).second) continue;
    const auto found = tries.find(reject->key);
    const uint32_t turn = found == tries.end() ? 0 : found->second;
    places.text(to_hex(as_bytes(place_of(reject->key))));
    is_long(reject->key) ? keys.text(to_hex(as_bytes(reject->key))) : keys.null();
    turns.number(turn), rests.number(rest_ms(turn));
  }
  if (kept.empty()) return;
  session.query(
      fmt::format(
          "INSERT INTO {0}.spool AS s (job, place, key, turn) SELECT $1::text, "
          "pg_catalog.decode(place, 'hex'), pg_catalog.decode(key, 'hex'), ({1} / rest + "
          "(tries > 0)::int) * rest << {2} | tries FROM ROWS FROM (pg_catalog.unnest($2::text[]), "
          "pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::bigint[]), "
          "pg_catalog.unnest($5::bigint[])) AS t (place, key, tries, rest) ON CONFLICT "
          "(job, place) DO UPDATE SET turn = excluded.turn",
          schema, kNowMs, kTriesBits),
      {name, places.finish(), keys.finish(), turns.finish(), rests.finish()});
}

namespace {

/// What was spooled again since a key was read has a greater turn, and stays. Turns grow under the
/// lock of the record, so all that has none greater than the page's was in the page.
uint64_t delete_keys(PgSession& session, const std::string& schema, const UnitRecord& unit) {
  uint64_t deleted = 0;
  for (const KeyRange& range : unit.settled->ranges) {
    deleted += session
                   .query(fmt::format("DELETE FROM {}.spool WHERE job = $1 AND place > "
                                      "pg_catalog.decode($2, 'hex') AND place <= "
                                      "pg_catalog.decode($3, 'hex') AND turn <= $4::bigint",
                                      schema),
                          {unit.job, range.after, range.to, std::to_string(range.turn)})
                   .affected();
  }
  return deleted;
}

/// The changes go on behind the record's position: from there on nothing is spooled any more.
void hand_over(PgSession& session, const std::string& schema, const UnitRecord& unit) {
  const PgRows left = session.query(
      fmt::format("SELECT EXISTS (SELECT FROM {}.spool WHERE job = $1)", schema), {unit.job});
  if (left.text(0, 0) == "t") {
    throw Error(Code::kConflict,
                fmt::format("another process has spooled changes of {} while the last ones were "
                            "settled",
                            unit.job),
                "go on with the same command: they are settled then");
  }
  session.query(fmt::format("UPDATE {0}.partitions SET start = (SELECT position FROM {0}.feeds "
                            "WHERE job = $1) WHERE run = $2 AND partition = $3",
                            schema),
                {unit.job, unit.run, unit.settled->next});
  session.query(fmt::format("DELETE FROM {}.feeds WHERE job = $1", schema), {unit.job});
}

}  // namespace

void forget_settled(PgSession& session, const std::string& schema, const UnitRecord& unit) {
  const PgRows kept = session.query(
      fmt::format("SELECT {} FROM {}.feeds WHERE job = $1 FOR UPDATE", iso("started_at"), schema),
      {unit.job});
  if (kept.size() == 0 || kept.text(0, 0) != unit.settled->feed) throw SpoolGone(unit.job);
  const uint64_t deleted = delete_keys(session, schema, unit);
  if (unit.done) return hand_over(session, schema, unit);
  session.query(
      fmt::format("UPDATE {}.feeds SET spooled = spooled - $2::bigint WHERE job = $1", schema),
      {unit.job, std::to_string(deleted)});
}

}  // namespace lugger
