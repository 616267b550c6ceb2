#include "postgres/slot.hpp"

#include <algorithm>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "place/feed.hpp"
#include "place/spec.hpp"

namespace lugger {
namespace {

constexpr int kLeastVersion = 130000;
constexpr int kColumnLists = 150000;  // first version whose publications have them

/// What keeps a table from being followed, and what to do about it.
struct Obstacles {
  std::vector<std::string> what, todo;
  void add(std::string obstacle, std::string cure) {
    what.push_back(std::move(obstacle));
    todo.push_back(std::move(cure));
  }
};

std::string quoted_list(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names)
    out += (out.empty() ? "" : ", ") + PgSession::quote_name(name);
  return out;
}

/// Columns by which a change names its row.
struct Identity {
  char kind = 'n';  // pg_class.relreplident
  std::vector<std::string> columns;
};

Identity identity_of(PgSession& session, const std::string& table) {
  const PgRows rows = session.query(
      "SELECT c.relreplident, a.attname FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i "
      "ON i.indrelid = c.oid AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN "
      "i.indisreplident END LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum "
      "> 0 AND NOT a.attisdropped AND (c.relreplident = 'f' OR a.attnum = ANY (i.indkey)) WHERE "
      "c.oid = $1::regclass ORDER BY a.attnum",
      {PgSession::quote_table(table)});
  Identity out;
  for (size_t i = 0; i < rows.size(); ++i) {
    out.kind = rows.text(i, 0).front();
    if (rows[i][1]) out.columns.push_back(rows.text(i, 1));
  }
  return out;
}

void look_at_server(PgSession& session, const std::string& slot, Obstacles& found) {
  const PgRows rows = session.query(
      "SELECT pg_catalog.current_setting('wal_level'), pg_catalog.pg_is_in_recovery(), "
      "(SELECT rolreplication OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) "
      "OR EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname IN ('rds_replication') AND "
      "pg_catalog.pg_has_role(oid, 'MEMBER')), "
      "pg_catalog.current_setting('max_replication_slots')::int - (SELECT pg_catalog.count(*) FROM "
      "pg_catalog.pg_replication_slots WHERE slot_name <> $1), "
      "pg_catalog.current_setting('max_wal_senders')::int - (SELECT pg_catalog.count(*) FROM "
      "pg_catalog.pg_stat_activity WHERE backend_type = 'walsender'), current_user",
      {slot});
  if (rows.text(0, 0) != "logical")
    found.add(fmt::format("wal_level is {}", rows.text(0, 0)),
              "alter system set wal_level = logical, and restart the server");
  if (rows.text(0, 1) == "t")
    found.add("it is a standby, and a slot of it ends with its promotion",
              "give the URL of the primary");
  if (rows.text(0, 2) != "t")
    found.add(fmt::format("the role {} may not replicate", rows.text(0, 5)),
              fmt::format("alter role {} replication", PgSession::quote_name(rows.text(0, 5))));
  if (rows.text(0, 3).front() == '-' || rows.text(0, 3) == "0")
    found.add("all max_replication_slots are taken",
              "drop those that nobody reads (pg_replication_slots), or raise it and restart");
  if (rows.text(0, 4).front() == '-' || rows.text(0, 4) == "0")
    found.add("all max_wal_senders are taken", "raise it and restart the server");
}

/// What the publication leaves out of the table by a row filter or a list of columns.
void look_at_parts(PgSession& session, const PgFollowed& followed, const std::string& name,
                   Obstacles& found) {
  const PgRows rows = session.query(
      "SELECT t.rowfilter, a.attname FROM pg_catalog.pg_publication_tables t JOIN "
      "pg_catalog.pg_namespace n ON n.nspname = t.schemaname JOIN pg_catalog.pg_class c ON "
      "c.relnamespace = n.oid AND c.relname = t.tablename LEFT JOIN pg_catalog.pg_attribute a ON "
      "a.attrelid = c.oid AND a.attname = ANY (t.attnames) WHERE t.pubname = $1 AND c.oid = "
      "$2::regclass",
      {name, PgSession::quote_table(followed.reading.table)});
  std::vector<std::string> columns;
  for (size_t i = 0; i < rows.size(); ++i) columns.push_back(rows.text(i, 1));
  const std::string whole =
      fmt::format("alter publication {0} drop table {1}; alter publication {0} add table {1}",
                  PgSession::quote_name(name), PgSession::quote_table(followed.reading.table));
  if (rows.size() != 0 && rows[0][0])
    found.add(fmt::format("the publication {} leaves out rows: where {}", name, rows.text(0, 0)),
              whole);
  for (const std::string& column : followed.reading.key)
    if (rows.size() != 0 && std::ranges::find(columns, column) == columns.end())
      found.add(fmt::format("the publication {} leaves out {} of the key", name, column), whole);
}

/// Its oid.
uint32_t look_at_publication(PgSession& session, const PgFollowed& followed,
                             const std::string& name, Obstacles& found) {
  const PgRows rows = session.query(
      "SELECT p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate, EXISTS (SELECT FROM "
      "pg_catalog.pg_publication_tables t JOIN pg_catalog.pg_namespace n ON n.nspname = "
      "t.schemaname JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = "
      "t.tablename WHERE t.pubname = $1 AND c.oid = $2::regclass), p.oid FROM "
      "pg_catalog.pg_publication p "
      "WHERE p.pubname = $1",
      {name, PgSession::quote_table(followed.reading.table)});
  const std::string quoted = PgSession::quote_name(name);
  if (rows.size() == 0) {
    found.add(fmt::format("there is no publication {}", name),
              fmt::format("create publication {} for table {}", quoted, followed.reading.table));
    return 0;
  }
  if (rows.text(0, 0) != "t")
    found.add(fmt::format("the publication {} leaves changes out", name),
              fmt::format("alter publication {} set (publish = 'insert, update, delete, truncate')",
                          quoted));
  if (rows.text(0, 1) != "t")
    found.add(fmt::format("the table is not in the publication {}", name),
              fmt::format("alter publication {} add table {}", quoted, followed.reading.table));
  if (rows.text(0, 1) == "t" && session.server_version() >= kColumnLists)
    look_at_parts(session, followed, name, found);
  return static_cast<uint32_t>(std::stoul(rows.text(0, 2)));
}

void look_at_rights(PgSession& session, const PgFollowed& followed, Obstacles& found) {
  const PgRows rows = session.query(
      "SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE'), "
      "pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), "
      "pg_catalog.current_database(), current_user FROM pg_catalog.pg_class c WHERE c.oid = "
      "$1::regclass",
      {PgSession::quote_table(followed.reading.table)});
  const std::string otherwise = fmt::format(
      ", or have its owner `create publication NAME for table {}` and set publication "
      "= 'NAME' on the source",
      followed.reading.table);
  if (rows.text(0, 0) != "t")
    found.add("the role does not own the table, so it may not publish it",
              "connect as the owner" + otherwise);
  if (rows.text(0, 1) != "t")
    found.add(
        "the role may not create a publication",
        fmt::format("grant create on database {} to {}{}", PgSession::quote_name(rows.text(0, 2)),
                    PgSession::quote_name(rows.text(0, 3)), otherwise));
}

void look_at_table(PgSession& session, const PgFollowed& followed, Obstacles& found) {
  const std::string& table = followed.reading.table;
  const PgRows rows = session.query(
      "SELECT c.relkind, c.relpersistence, c.relhassubclass FROM pg_catalog.pg_class c WHERE c.oid "
      "= $1::regclass",
      {PgSession::quote_table(table)});
  if (rows.text(0, 0) != "r" || rows.text(0, 2) == "t") {
    const std::string kind = rows.text(0, 0);
    found.add(fmt::format("it is {}", kind == "p"   ? "partitioned"
                                      : kind == "r" ? "a table that others inherit from"
                                                    : "no table"),
              kind == "p" || kind == "r" ? "follow each of its parts by a job of its own"
                                         : "follow the tables that it is made of");
    return;
  }
  if (rows.text(0, 1) != "p")
    found.add("its changes are not logged", fmt::format("alter table {} set logged", table));
  const Identity identity = identity_of(session, table);
  if (identity.columns.empty()) {
    found.add("it has neither a primary key nor another replica identity",
              fmt::format("alter table {0} add primary key (...), or alter table {0} replica "
                          "identity using index ...",
                          table));
    return;
  }
  if (followed.reading.key.empty()) {
    found.add("the source has no key",
              fmt::format("set key = '{}' on the source", fmt::join(identity.columns, ",")));
    return;
  }
  for (const std::string& column : followed.reading.key) {
    if (std::ranges::find(identity.columns, column) != identity.columns.end()) continue;
    found.add(fmt::format("{} is in the key of the source, and not told of a row that is deleted",
                          column),
              fmt::format("take a key of {}", fmt::join(identity.columns, ", ")));
  }
}

uint32_t table_oid(PgSession& session, const PgFollowed& followed) {
  const PgRows rows =
      session.query("SELECT $1::regclass::oid", {PgSession::quote_table(followed.reading.table)});
  return static_cast<uint32_t>(std::stoul(rows.text(0, 0)));
}

void publish(PgSession& session, const PgFollowed& followed, const std::string& slot) {
  const std::string name = PgSession::quote_name(slot);
  const Identity identity = identity_of(session, followed.reading.table);
  // Only the key is needed. The columns of a changed identity would have to be listed, too.
  std::string columns;
  if (session.server_version() >= kColumnLists && identity.kind != 'f')
    columns = fmt::format(" ({})", quoted_list(identity.columns));
  session.begin();
  try {
    session.execute("DROP PUBLICATION IF EXISTS " + name);
    session.execute(fmt::format(
        "CREATE PUBLICATION {} FOR TABLE {}{} WITH (publish = 'insert, update, delete, truncate')",
        name, PgSession::quote_table(followed.reading.table), columns));
    session.commit();
  } catch (...) {
    session.rollback();
    throw;
  }
}

PgRows create_slot(PgSession& session, const PgFollowed& followed, const std::string& slot) {
  try {
    return session.query(
        "SELECT lsn, (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * "
        "1000000)::int8 FROM pg_catalog.pg_create_logical_replication_slot($1, 'pgoutput')",
        {slot});
  } catch (const Error&) {
    const Tidying tidying;
    if (followed.publication.empty() && session.alive())
      session.execute("DROP PUBLICATION IF EXISTS " + PgSession::quote_name(slot));
    throw;
  }
}

void drop_earlier(PgSession& session, const std::string& slot) {
  const PgRows rows = session.query(
      "SELECT active_pid FROM pg_catalog.pg_replication_slots WHERE slot_name = $1", {slot});
  if (rows.size() == 0) return;
  if (rows[0][0]) {
    throw Error(Code::kConflict,
                fmt::format("the replication slot {} is read by another process (server pid {})",
                            slot, rows.text(0, 0)),
                "one is enough: `lugger ctl` shows it; or wait until the server lets it go");
  }
  session.query("SELECT pg_catalog.pg_drop_replication_slot($1)", {slot});
}

}  // namespace

uint64_t feed_time(int64_t unix_micros) noexcept {
  const auto micros = static_cast<uint64_t>(std::max<int64_t>(0, unix_micros));
  return micros / 1'000'000 << 32 | micros % 1'000'000;
}

std::string PgFeedPosition::text() const {
  std::string out = fmt::format("lsn:{} slot:{} system:{} table:{} time:{}", lsn_text(lsn), slot,
                                system, table, time);
  if (publication != 0) out += fmt::format(" publication:{}", publication);
  if (in != 0) out += fmt::format(" in:{} passed:{}", lsn_text(in), passed);
  return out;
}

PgFeedPosition PgFeedPosition::of(std::string_view text, std::string_view shown) {
  const auto lsn = lsn_of(spec_field(text, "lsn").value_or(""));
  const auto slot = spec_field(text, "slot"), system = spec_field(text, "system");
  if (!lsn || !slot || !system) {
    throw Error(Code::kConfig, fmt::format("{}: \"{}\" is no position of its log", shown, text),
                "changes of PostgreSQL are followed from a copy on: lugger move SCRIPT");
  }
  PgFeedPosition out;
  out.lsn = *lsn, out.slot = *slot, out.system = *system;
  out.table = static_cast<uint32_t>(position_number(text, "table", shown));
  out.time = position_number(text, "time", shown);
  if (spec_field(text, "publication"))
    out.publication = static_cast<uint32_t>(position_number(text, "publication", shown));
  if (const auto in = lsn_of(spec_field(text, "in").value_or(""))) {
    out.in = *in;
    out.passed = position_number(text, "passed", shown);
  }
  return out;
}

std::string slot_name(const PgFollowed& followed, const std::string& reader) {
  constexpr size_t kMostOfName = 32, kDigits = 10;
  std::string name;
  for (const char c : followed.reading.table) {
    if (name.size() == kMostOfName) break;
    const char low = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    name += (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9') ? low : '_';
  }
  return fmt::format(
      "lugger_{}_{}", name,
      sha256_hex(fmt::format("{}\n{}\n{}", followed.database, followed.reading.table, reader))
          .substr(0, kDigits));
}

void check_followed(PgSession& session, const PgFollowed& followed, const std::string& slot) {
  Obstacles found;
  if (followed.pooled)
    found.add("a pooler stands before the server, and carries no replication",
              "give the URL of the server itself");
  if (session.server_version() < kLeastVersion)
    found.add("the server is older than PostgreSQL 13", "copy it while nobody writes: lugger run");
  if (followed.reading.table.empty()) {
    found.add("it is a query", "name the table: table = 'schema.name'");
  } else if (found.what.empty()) {
    look_at_server(session, slot, found);
    look_at_table(session, followed, found);
    if (followed.publication.empty())
      look_at_rights(session, followed, found);
    else
      look_at_publication(session, followed, followed.publication, found);
  }
  if (found.what.empty()) return;
  throw Error(Code::kConfig,
              fmt::format("{} cannot be followed: {}", followed.shown, fmt::join(found.what, "; ")),
              fmt::format("{}", fmt::join(found.todo, "; ")));
}

PgFeedPosition make_slot(PgSession& session, const PgFollowed& followed, const std::string& slot) {
  drop_earlier(session, slot);
  // The publication first: what was logged before it is there would have none.
  if (followed.publication.empty()) publish(session, followed, slot);
  PgFeedPosition out;
  out.slot = slot;
  out.table = table_oid(session, followed);
  Obstacles none;
  out.publication = look_at_publication(
      session, followed, followed.publication.empty() ? slot : followed.publication, none);
  const PgRows made = create_slot(session, followed, slot);
  out.lsn = lsn_of(made.text(0, 0)).value_or(0);
  out.time = feed_time(std::stoll(made.text(0, 1)));
  return out;
}

void changes_lost(const PgFollowed& followed, const PgFeedPosition& from, const std::string& why) {
  throw position_lost(
      fmt::format("{} no longer has the changes since {} ({}): {}", followed.shown,
                  lsn_text(from.lsn), from.slot, why),
      "copy it anew: lugger move SCRIPT --restart; rows that were deleted meanwhile stay, so empty "
      "the tables first, or lugger repair SCRIPT --apply --delete-extra while nobody writes");
}

void check_slot(PgSession& session, const PgFollowed& followed, const PgFeedPosition& from,
                const WalSystem& system) {
  if (system.identifier != from.system)
    changes_lost(
        followed, from,
        fmt::format("it is another server by now, whose data has the identifier {}, not {}",
                    system.identifier, from.system));
  const PgRows rows = session.query(
      "SELECT coalesce(wal_status, ''), coalesce(confirmed_flush_lsn::text, ''), "
      "coalesce(database, ''), CASE WHEN pg_catalog.pg_is_in_recovery() THEN "
      "pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_flush_lsn() END FROM "
      "pg_catalog.pg_replication_slots WHERE slot_name = $1",
      {from.slot});
  if (rows.size() == 0) changes_lost(followed, from, "the replication slot is gone");
  if (rows.text(0, 0) == "lost")
    changes_lost(
        followed, from,
        "the server has invalidated the slot, because it was not read for too long (wal_status "
        "lost; max_slot_wal_keep_size, idle_replication_slot_timeout)");
  const Lsn head = lsn_of(rows.text(0, 3)).value_or(0);
  if (head < from.lsn)
    changes_lost(
        followed, from,
        fmt::format("its log ends at {} by now: it was restored from a backup", lsn_text(head)));
  const auto confirmed = lsn_of(rows.text(0, 1));
  if (confirmed && *confirmed > from.lsn)
    changes_lost(followed, from,
                 fmt::format("somebody else has read the slot up to {}", lsn_text(*confirmed)));
  check_table(session, followed, from);
}

void check_table(PgSession& session, const PgFollowed& followed, const PgFeedPosition& from) {
  const PgRows rows =
      session.query("SELECT pg_catalog.to_regclass($1)::oid = $2::text::oid",
                    {PgSession::quote_table(followed.reading.table), std::to_string(from.table)});
  if (rows.text(0, 0) != "t")
    changes_lost(followed, from, "the table was dropped, renamed or made anew");
  Obstacles found;
  const std::string& name = followed.publication.empty() ? from.slot : followed.publication;
  const uint32_t publication = look_at_publication(session, followed, name, found);
  if (!found.what.empty())
    changes_lost(followed, from, fmt::format("{}", fmt::join(found.what, "; ")));
  // Servers from 18 on pass over what was changed meanwhile, instead of ending the stream.
  if (from.publication != 0 && publication != from.publication)
    changes_lost(followed, from, fmt::format("the publication {} was made anew", name));
}

std::string drop_slot_sql(const PgFollowed& followed, const std::string& slot) {
  std::string out = fmt::format("select pg_drop_replication_slot('{}');", slot);
  if (followed.publication.empty()) out += fmt::format(" drop publication {};", slot);
  return out;
}

}  // namespace lugger
