#include "postgres/set_aside.hpp"

#include "postgres/array_text.hpp"
#include "postgres/merge_parts.hpp"

namespace lugger {
namespace {

/// Whether the table has this index, and which of its columns may be set aside; "": none.
struct Found {
  bool any = false;
  std::string column;
};

Found look_at(PgLoad& load, const PgTableLayout& layout, const std::string& index) {
  ArrayText written;
  for (const PgField& field : layout.fields) {
    if (field.update) written.text(field.column);
  }
  const PgRows rows = load.session.query(
      "SELECT (SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid AND "
      "a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) AND NOT a.attnotnull AND "
      "a.attgenerated = '' AND a.attname = ANY ($3::text[]) ORDER BY a.attnum LIMIT 1) FROM "
      "pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = "
      "$1::pg_catalog.regclass AND x.relname = $2 AND NOT EXISTS (SELECT FROM "
      "pg_catalog.pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype = 'f') AND NOT "
      "EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = i.indrelid AND NOT "
      "g.tgisinternal)",
      {layout.table, index, written.finish()});
  if (rows.size() == 0 || !rows[0][0]) return {rows.size() != 0, ""};
  return {true, rows.text(0, 0)};
}

/// Of the rows with the keys of the documents.
void set_null(PgLoad& load, const UnitDocuments& unit, size_t table,
              const std::vector<size_t>& documents, const std::set<std::string>& columns) {
  const PgTableLayout& layout = load.tables[table];
  const TablePlan& plan = load.plan.tables()[table];
  std::vector<ArrayText> keys(layout.key.size());
  const auto add = [&](const Value* row, size_t) {
    for (size_t k = 0; k < keys.size(); ++k) {
      const size_t slot = layout.fields[layout.key[k]].slot;
      keys[k].text(coerced_text(row[slot], plan.columns[slot].type));
    }
  };
  for (const size_t document : documents) unit.each_row(table, document, document + 1, add);
  PgParams params;
  std::string names, arrays, values, set;
  for (size_t k = 0; k < keys.size(); ++k) {
    const std::string column = stage_column(layout.key[k]);
    const std::string comma = k == 0 ? "" : ", ";
    names += comma + column;
    arrays += fmt::format("{}pg_catalog.unnest(${}::text[])", comma, k + 1);
    values += fmt::format("{}u.{}::{} AS {}", comma, column, layout.fields[layout.key[k]].plan_type,
                          column);
    params.emplace_back(keys[k].finish());
  }
  for (const std::string& column : columns)
    set += fmt::format("{}{} = NULL", set.empty() ? "" : ", ", PgSession::quote_name(column));
  load.session.query(fmt::format("UPDATE {} t SET {} FROM (SELECT {} FROM ROWS FROM ({}) AS "
                                 "u({})) s WHERE {}",
                                 layout.table, set, values, arrays, names,
                                 merge_parts::join(layout.key, " AND ",
                                                   [&](size_t f) {
                                                     return merge_parts::stored(layout, f) + " = " +
                                                            merge_parts::staged_for_compare(layout,
                                                                                            f, "s");
                                                   })),
                     params);
}

}  // namespace

bool set_unique_values_aside(PgLoad& load, const UnitDocuments& unit,
                             const std::vector<size_t>& documents,
                             const std::set<std::string>& indexes) {
  std::vector<std::set<std::string>> columns(load.tables.size());
  for (const std::string& index : indexes) {
    bool found = false;
    for (size_t t = 0; t < load.tables.size() && load.tables[t].own && !found; ++t) {
      if (load.tables[t].guarded || load.tables[t].rules || load.tables[t].distributed)
        return false;
      const Found one = look_at(load, load.tables[t], index);
      if (!one.any) continue;
      if (one.column.empty()) return false;
      columns[t].insert(one.column);
      found = true;
    }
    if (!found) return false;
  }
  for (size_t t = 0; t < columns.size(); ++t) {
    if (!columns[t].empty()) set_null(load, unit, t, documents, columns[t]);
  }
  return true;
}

}  // namespace lugger
