#include "postgres/compared_sql.hpp"

#include <map>

#include "base/error.hpp"
#include "plan/coerce.hpp"
#include "postgres/key_hashes.hpp"
#include "postgres/session.hpp"

namespace lugger {

namespace {

std::string column_name(const PgComparedTable& table, size_t column) {
  return "t." + PgSession::quote_name(table.columns[column].name);
}

/// Selects the rows of keys that are NULL in the same columns.
std::string alike_condition(const PgComparedTable& table, const std::vector<size_t>& by,
                            const std::vector<const KeyText*>& keys) {
  std::string nulls, columns, texts, names, values;
  size_t given = 0;
  for (size_t k = 0; k < by.size(); ++k) {
    if (!(*keys.front())[k]) {
      nulls += fmt::format("{} IS NULL AND ", column_name(table, by[k]));
      continue;
    }
    ByteBuffer list;
    list.push('{');
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i != 0) list.push(',');
      append_array_element(*(*keys[i])[k], list);
    }
    list.push('}');
    const char* comma = given == 0 ? "" : ", ";
    columns += comma + column_name(table, by[k]);
    texts += fmt::format("{}pg_catalog.unnest({}::text[])", comma,
                         PgSession::quote_literal(list.text()));
    names += fmt::format("{}k{}", comma, given);
    // Array values are passed one by one, because an array of arrays would have more dimensions.
    values += fmt::format("{}u.k{}::{}", comma, given, table.stored[by[k]].type);
    ++given;
  }
  if (given == 0) return nulls + "true";
  return fmt::format("{}({}) IN (SELECT {} FROM ROWS FROM ({}) AS u({}))", nulls, columns, values,
                     texts, names);
}

}  // namespace

std::string keys_condition(const PgComparedTable& table, const std::vector<size_t>& by,
                           const std::vector<const KeyText*>& keys) {
  std::map<std::vector<bool>, std::vector<const KeyText*>> alike;  // by which columns are NULL
  for (const KeyText* key : keys) {
    std::vector<bool> nulls;
    for (const auto& text : *key) nulls.push_back(!text);
    alike[std::move(nulls)].push_back(key);
  }
  std::string out;
  for (const auto& [nulls, some] : alike)
    out += fmt::format("{}({})", out.empty() ? "" : " OR ", alike_condition(table, by, some));
  return out;
}

std::string select_compared(const PgComparedTable& table, const std::string& condition,
                            bool places) {
  std::string columns = places ? "t.tableoid, t.ctid" : "";
  for (const ComparedColumn& column : table.columns) {
    columns += fmt::format("{}t.{}{}", columns.empty() ? "" : ", ",
                           PgSession::quote_name(column.name), column.by_server ? "::text" : "");
  }
  for (const KeyHash& hash : table.key_hashes)
    columns +=
        ", " + key_hash_sql(hash, "t." + PgSession::quote_name(table.columns[hash.column].name));
  std::string out = fmt::format("SELECT {} FROM {} AS t", columns, table.quoted);
  if (!condition.empty()) out += " WHERE " + condition;
  return out;
}

std::string where_condition(const PgComparedTables& tables, const PgComparedTable& table,
                            const std::string& where) {
  if (where.empty()) return {};
  if (table.own) return fmt::format("({}\n)", where);
  std::string columns, rows;
  for (const size_t i : table.root)
    columns += fmt::format("{}t.{}", columns.empty() ? "" : ", ",
                           PgSession::quote_name(table.columns[i].name));
  for (const PgComparedTable& own : tables) {
    if (!own.own) continue;
    std::string keys;
    for (const size_t i : own.key)
      keys +=
          fmt::format("{}{}", keys.empty() ? "" : ", ", PgSession::quote_name(own.columns[i].name));
    rows += fmt::format("{}SELECT {} FROM {} AS t WHERE ({}\n)", rows.empty() ? "" : " UNION ALL ",
                        keys, own.quoted, where);
  }
  return fmt::format("({}) IN ({})", columns, rows);
}

}  // namespace lugger
