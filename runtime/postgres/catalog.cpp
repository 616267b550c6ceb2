#include "postgres/catalog.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>

#include "postgres/array_text.hpp"

namespace lugger {
namespace {

bool is_true(const PgRows& rows, size_t row, size_t column) {
  return rows.text(row, column) == "t";
}

/// SQL: the name of a collation that finds values equal whose bytes are not; NULL: it is none.
std::string loose_collation(std::string_view oid) {
  return fmt::format(
      "(SELECT pg_catalog.format('%I.%I', n.nspname, l.collname) FROM pg_collation l JOIN "
      "pg_namespace n ON "
      "n.oid = l.collnamespace WHERE l.oid = {} AND NOT l.collisdeterministic)",
      oid);
}

/// Columns come as rows of unnest, grouped by the first column.
std::vector<PgIndex> read_indexes(PgSession& session, const std::string& oid) {
  const PgRows rows = session.query_again(
      "SELECT i.indexrelid::regclass::text, i.indisprimary,"
      " i.indisunique AND i.indimmediate AND i.indexprs IS NULL, a.attname, coalesce(" +
          loose_collation("i.indcollation[k.place - 1]") +
          ", '')"
          " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam"
          " CROSS JOIN LATERAL pg_catalog.unnest(i.indkey[0:i.indnkeyatts-1]) WITH ORDINALITY AS "
          "k(attnum, "
          "place)"
          " LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND "
          "a.attnum > "
          "0"
          " WHERE i.indrelid = $1::oid AND i.indisvalid AND i.indpred IS NULL"
          " AND m.amname IN ('btree', 'hash') ORDER BY i.indexrelid, k.place",
      {oid});
  std::vector<PgIndex> out;
  bool plain = true;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (out.empty() || out.back().name != rows.text(i, 0)) {
      out.push_back({rows.text(i, 0), {}, {}, is_true(rows, i, 1), is_true(rows, i, 2)});
      plain = true;
    }
    plain = plain && rows[i][3];
    if (!plain) continue;
    out.back().columns.push_back(rows.text(i, 3));
    out.back().collations.push_back(rows.text(i, 4));
  }
  return out;
}

void read_labels(PgSession& session, PgTable& table) {
  const PgRows rows = session.query_again(
      "SELECT a.attname, e.enumlabel FROM pg_attribute a JOIN pg_enum e ON e.enumtypid = a.atttypid"
      " WHERE a.attrelid = $1::oid AND a.attnum > 0 ORDER BY a.attnum, e.enumsortorder",
      {table.oid});
  for (size_t i = 0; i < rows.size(); ++i) {
    for (PgColumn& column : table.columns) {
      if (column.name == rows.text(i, 0)) column.labels.push_back(rows.text(i, 1));
    }
  }
}

void read_columns(PgSession& session, PgTable& table) {
  const PgRows rows = session.query_again(
      "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), "
      "pg_catalog.format_type(a.atttypid, -1), "
      "a.atttypid,"
      " a.attnotnull OR (t.typtype = 'd' AND t.typnotnull), a.atthasdef OR t.typdefault IS NOT "
      "NULL,"
      " a.attgenerated <> '', a.attidentity <> '', a.attidentity = 'a',"
      " pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'INSERT'),"
      " pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'),"
      " pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'UPDATE'),"
      " EXISTS (SELECT FROM pg_opclass c WHERE c.opcdefault AND c.opcintype = CASE"
      "   WHEN t.typname = 'varchar' THEN 'text'::regtype WHEN t.typcategory = 'A' THEN "
      "'anyarray'::regtype"
      "   WHEN t.typtype = 'e' THEN 'anyenum'::regtype ELSE t.oid END),"
      " e.oid IS NOT NULL AND (e.typcategory = 'A' OR NOT EXISTS (SELECT FROM pg_opclass c WHERE"
      "   c.opcdefault AND c.opcintype IN (e.oid, CASE WHEN e.typname = 'varchar' THEN "
      "'text'::regtype END))), " +
          std::string(kNeverNull) + ", coalesce(" + loose_collation("a.attcollation") +
          ", ''), t.typtype = 'e' FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
          " LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'"
          " WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
      {table.oid});
  bool enums = false;
  for (size_t i = 0; i < rows.size(); ++i) {
    PgColumn column;
    column.name = rows.text(i, 0);
    column.type = rows.text(i, 1);
    column.bare_type = rows.text(i, 2);
    column.base_oid = rows.text(i, 3);
    column.not_null = is_true(rows, i, 4);
    column.has_default = is_true(rows, i, 5);
    column.generated = is_true(rows, i, 6);
    column.identity = is_true(rows, i, 7);
    column.identity_always = is_true(rows, i, 8);
    column.may_insert = is_true(rows, i, 9);
    column.may_select = is_true(rows, i, 10);
    column.may_update = is_true(rows, i, 11);
    column.comparable = is_true(rows, i, 12) && !is_true(rows, i, 13);
    column.never_null = is_true(rows, i, 14);
    column.collation = rows.text(i, 15);
    enums = enums || is_true(rows, i, 16);
    table.columns.push_back(std::move(column));
  }
  if (enums) read_labels(session, table);
}

void read_guards(PgSession& session, PgTable& table, bool has_rules) {
  // Bits of tgtype: 1 row, 2 before, 4 insert, 8 delete, 16 update, 64 instead.
  const PgRows triggers = session.query_again(
      "SELECT tgname, pg_catalog.bool_or(tgtype & 4 <> 0), pg_catalog.bool_or(tgtype & 1 <> 0 AND "
      "tgtype & 66 <> 0 AND "
      "tgtype & 28 <> 0) FROM pg_trigger WHERE tgrelid IN (SELECT $1::oid UNION SELECT relid FROM "
      "pg_catalog.pg_partition_tree($1::oid::regclass)) AND NOT tgisinternal AND tgenabled IN "
      "('O', 'A') "
      "GROUP BY tgname ORDER BY tgname",
      {table.oid});
  for (size_t i = 0; i < triggers.size(); ++i) {
    if (is_true(triggers, i, 1)) table.insert_triggers.push_back(triggers.text(i, 0));
    if (is_true(triggers, i, 2)) table.row_guards.push_back(triggers.text(i, 0));
  }
  if (!has_rules) return;
  const PgRows rules = session.query(
      "SELECT rulename FROM pg_rewrite WHERE ev_class = $1::oid AND ev_type IN ('2', '3', '4') AND "
      "ev_enabled IN ('O', 'A') ORDER BY rulename",
      {table.oid});
  for (size_t i = 0; i < rules.size(); ++i) table.rules.push_back(rules.text(i, 0));
}

void read_distribution(PgSession& session, PgTable& table) {
  const PgRows rows = session.query(
      "SELECT column_to_column_name(logicalrelid, partkey), colocationid FROM "
      "pg_catalog.pg_dist_partition WHERE logicalrelid = $1::oid",
      {table.oid});
  if (rows.size() == 0) return;
  table.distributed = true;
  table.distribution_column = rows.text(0, 0);
  table.colocation = rows.text(0, 1);
}

}  // namespace

const PgColumn* PgTable::column(std::string_view name) const noexcept {
  for (const PgColumn& column : columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

bool PgTable::unique_on(const std::vector<std::string>& names) const {
  return std::any_of(indexes.begin(), indexes.end(), [&](const PgIndex& index) {
    return index.unique && index.columns.size() == names.size() &&
           std::is_permutation(index.columns.begin(), index.columns.end(), names.begin());
  });
}

std::string PgTable::key_collation(const std::vector<std::string>& names,
                                   std::string_view column) const {
  for (const PgIndex& index : indexes) {
    if (!index.unique || index.columns.size() != names.size() ||
        !std::is_permutation(index.columns.begin(), index.columns.end(), names.begin()))
      continue;
    const auto at = std::find(index.columns.begin(), index.columns.end(), column);
    const std::string& found = index.collations[static_cast<size_t>(at - index.columns.begin())];
    if (!found.empty()) return found;
  }
  return {};
}

bool PgTable::finds_by(const std::vector<std::string>& names) const {
  return std::any_of(indexes.begin(), indexes.end(), [&](const PgIndex& index) {
    return index.columns.size() >= names.size() &&
           std::is_permutation(names.begin(), names.end(), index.columns.begin());
  });
}

PgServerFacts server_facts(PgSession& session) {
  const PgRows rows = session.query(
      "SELECT pg_catalog.current_setting('server_version'), "
      "pg_catalog.current_setting('server_encoding'),"
      " pg_catalog.pg_is_in_recovery() OR "
      "pg_catalog.current_setting('default_transaction_read_only') = 'on',"
      " pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP')");
  PgServerFacts out;
  out.version = session.server_version();
  const std::string version = rows.text(0, 0);
  out.version_text = version.substr(0, version.find(' '));
  out.encoding = rows.text(0, 1);
  out.read_only = is_true(rows, 0, 2);
  out.may_make_temporary = is_true(rows, 0, 3);
  return out;
}

std::optional<PgTable> inspect_table(PgSession& session, const std::string& table) {
  const std::string name = PgSession::quote_table(table);
  const PgRows rows = session.query_again(
      "SELECT c.oid, c.relkind, coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), ''), "
      "pg_catalog.row_security_active(c.oid),"
      " pg_catalog.has_any_column_privilege(c.oid, 'INSERT'), "
      "pg_catalog.has_any_column_privilege(c.oid, 'SELECT'),"
      " pg_catalog.has_any_column_privilege(c.oid, 'UPDATE'), "
      "pg_catalog.has_table_privilege(c.oid, 'DELETE'),"
      " pg_catalog.pg_has_role(c.relowner, 'USAGE'), c.relhasrules, EXISTS (SELECT FROM "
      "pg_extension e WHERE "
      "e.extname = 'citus'), (SELECT pg_catalog.count(*) FROM pg_index i WHERE i.indrelid = c.oid "
      "AND (i.indisunique OR i.indisexclusion)) = 1, "
      "pg_catalog.array_to_string(ARRAY(SELECT f.confrelid FROM pg_constraint f WHERE f.conrelid = "
      "c.oid AND f.contype = 'f'), ' ') FROM pg_class c WHERE c.oid = pg_catalog.to_regclass($1)",
      {name});
  if (rows.size() == 0) return std::nullopt;
  PgTable out;
  out.oid = rows.text(0, 0);
  out.kind = rows.text(0, 1);
  out.comment = rows.text(0, 2);
  out.row_security = is_true(rows, 0, 3);
  out.may_insert = is_true(rows, 0, 4);
  out.may_select = is_true(rows, 0, 5);
  out.may_update = is_true(rows, 0, 6);
  out.may_delete = is_true(rows, 0, 7);
  out.owned = is_true(rows, 0, 8);
  out.one_rule = is_true(rows, 0, 11);
  std::istringstream referred(rows.text(0, 12));
  out.refers_to.assign(std::istream_iterator<std::string>(referred), {});
  read_columns(session, out);
  out.indexes = read_indexes(session, out.oid);
  read_guards(session, out, is_true(rows, 0, 9));
  if (is_true(rows, 0, 10)) read_distribution(session, out);
  // The words of others are run: a view's, a policy's.
  if (out.row_security || (out.kind != "r" && out.kind != "p")) session.only_looks(false);
  // Without the right to look, rows must be expected.
  out.empty = out.may_select && session.query("SELECT FROM " + name + " LIMIT 1").size() == 0;
  return out;
}

std::string table_comment(PgSession& session, const std::string& table) {
  return session
      .query_again("SELECT pg_catalog.obj_description(pg_catalog.to_regclass($1), 'pg_class')",
                   {PgSession::quote_table(table)})
      .text(0, 0);
}

TypeOids::TypeOids(PgSession& session, const std::vector<std::string>& types) : session_(session) {
  ArrayText list;
  for (const std::string& type : types) list.text(type);
  try {
    const PgRows rows = session.query_again(
        "SELECT DISTINCT t, pg_catalog.to_regtype(t)::oid FROM pg_catalog.unnest($1::text[]) AS t",
        {list.finish()});
    for (size_t i = 0; i < rows.size(); ++i) found_.emplace(rows.text(i, 0), rows.text(i, 1));
  } catch (const Error& error) {
    // One that cannot be parsed refuses all: each is asked for by itself.
    if (error.code() == Code::kConnect) throw;
  }
}

const std::string& TypeOids::of(const std::string& type) {
  const auto [found, added] = found_.try_emplace(type);
  if (!added) return found->second;
  try {
    found->second = session_.query("SELECT pg_catalog.to_regtype($1)::oid", {type}).text(0, 0);
  } catch (const Error& error) {
    if (error.code() == Code::kConnect) throw;
  }
  return found->second;
}

bool share_equality(PgSession& session, const std::string& left, const std::string& right) {
  return session
             .query(
                 "SELECT EXISTS (SELECT FROM pg_amop JOIN pg_am m ON m.oid = amopmethod WHERE "
                 "amname = 'btree' AND amopstrategy = 3 AND amoplefttype = CASE WHEN $1::oid = "
                 "'varchar'::regtype THEN 'text'::regtype ELSE $1::oid END AND amoprighttype = "
                 "CASE WHEN $2::oid = 'varchar'::regtype THEN 'text'::regtype ELSE $2::oid "
                 "END)",
                 {left, right})
             .text(0, 0) == "t";
}

bool castable(PgSession& session, const std::string& from, const std::string& to) {
  session.only_looks(false);  // a cast may be anybody's
  try {
    session.query("SELECT (NULL::" + from + ")::" + to);
    return true;
  } catch (const Error& error) {
    if (error.code() == Code::kConnect) throw;
    return error.sqlstate() != "42846";  // cannot_coerce; a domain's NOT NULL is no matter of types
  }
}

}  // namespace lugger
