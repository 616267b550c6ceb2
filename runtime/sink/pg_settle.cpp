#include "sink/pg_settle.hpp"

#include "sink/pg_ddl.hpp"

namespace lugger {
namespace {

constexpr size_t kNamedKeys = 5;

std::string quote(std::string_view name) { return PgSession::quote_name(name); }

template <typename Part>
std::string each_key(const std::vector<std::string>& key, std::string_view between, Part&& part) {
  std::string out;
  for (size_t i = 0; i < key.size(); ++i) {
    if (i != 0) out += between;
    out += part(i);
  }
  return out;
}

[[noreturn]] void refuse_duplicates(PgSession& session, const TablePlan& table,
                                    const std::string& keys) {
  const PgRows rows =
      session.query(fmt::format("SELECT concat_ws(', ', {0}), count(*) FROM {1} GROUP BY {0} "
                                "HAVING count(*) > 1 ORDER BY 2 DESC, 1 LIMIT {2}",
                                keys, PgSession::quote_table(table.name), kNamedKeys));
  std::string named;
  for (size_t i = 0; i < rows.size(); ++i) {
    named += fmt::format("{}{} ({} times)", i == 0 ? "" : ", ", rows.text(i, 0), rows.text(i, 1));
  }
  throw Error(Code::kConflict,
              fmt::format("{}: more than one document has the key {}", table.name, named),
              "set on_conflict = \"skip\" to keep the first, \"update\" to keep the last, "
              "\"newer\" to keep the newest, "
              "and run it again: the rows are loaded, only the key is missing");
}

std::string rank_order(const Mapping& mapping) {
  switch (mapping.on_conflict) {
    case OnConflict::kUpdate: return "t.ctid DESC";
    case OnConflict::kNewer: return "t." + quote(mapping.newer) + " DESC NULLS LAST, t.ctid";
    default: return "t.ctid";
  }
}

/// True when the two rows say different things; types without equality are compared as text.
std::string rows_differ(const TablePlan& table) {
  std::string out = "false";
  for (const Column& column : table.columns) {
    if (column.generate == Column::Generate::kV7 || column.generate == Column::Generate::kServer)
      continue;
    const bool text = column.type.kind == Kind::kJson || column.type.kind == Kind::kOther ||
                      column.type.is_array();
    out += fmt::format(" OR t.{0}{1} IS DISTINCT FROM w.{0}{1}", quote(column.name),
                       text ? "::text" : "");
  }
  return out;
}

uint64_t remove_child_rows(PgSession& session, const PlanShape& plan,
                           const std::vector<std::string>& key) {
  uint64_t removed = 0;
  for (size_t t = plan.tables().size(); t-- != 0;) {
    const TablePlan& child = plan.tables()[t];
    if (child.parent < 0 || plan.own_tables() != 1) continue;
    // The front of any descendant's parent key is the root's key.
    const std::string on_key = each_key(key, " AND ", [&](size_t i) {
      return fmt::format("c.{} = d.{}", quote(child.columns[child.parent_key[i]].name),
                         quote(key[i]));
    });
    removed += session
                   .query(fmt::format(
                       "DELETE FROM {} c USING lugger_duplicates d WHERE d.lugger_place = 1 AND {}"
                       " AND c.xmin::text <> d.lugger_born",
                       PgSession::quote_table(child.name), on_key))
                   .affected();
  }
  return removed;
}

}  // namespace

uint64_t settle_duplicates(PgSession& session, const PlanShape& plan, size_t index, Tally& tally) {
  const TablePlan& table = plan.tables()[index];
  const Mapping& mapping = plan.mapping();
  const std::vector<std::string> key = key_names(table);
  const std::string name = PgSession::quote_table(table.name);
  const std::string keys = each_key(key, ", ", [&](size_t i) { return quote(key[i]); });
  if (mapping.on_conflict == OnConflict::kError) refuse_duplicates(session, table, keys);
  const std::string t_keys = each_key(key, ", ", [&](size_t i) { return "t." + quote(key[i]); });
  auto same_key = [&](std::string_view a, std::string_view b) {
    return each_key(key, " AND ", [&](size_t i) {
      return fmt::format("{}.{} = {}.{}", a, quote(key[i]), b, quote(key[i]));
    });
  };
  session.execute(fmt::format(
      "CREATE TEMPORARY TABLE lugger_duplicates ON COMMIT DROP AS SELECT t.ctid AS lugger_row, "
      "t.xmin::text AS lugger_born,"
      " row_number() OVER (PARTITION BY {0} ORDER BY {1}) AS lugger_place, {0} FROM {2} t"
      " JOIN (SELECT {3} FROM {2} GROUP BY {3} HAVING count(*) > 1) g ON {4}",
      t_keys, rank_order(mapping), name, keys, same_key("t", "g")));
  session.execute("ANALYZE lugger_duplicates");
  const PgRows counts =
      session.query(fmt::format("SELECT count(*), count(*) FILTER (WHERE {0}) FROM "
                                "lugger_duplicates d JOIN {1} t ON t.ctid = d.lugger_row"
                                " JOIN lugger_duplicates dw ON dw.lugger_place = 1 AND {2} JOIN "
                                "{1} w ON w.ctid = dw.lugger_row WHERE d.lugger_place > 1",
                                rows_differ(table), name, same_key("d", "dw")));
  const uint64_t all = std::stoull(counts.text(0, 0)), differing = std::stoull(counts.text(0, 1));
  const uint64_t child_rows = remove_child_rows(session, plan, key);
  session.execute(
      fmt::format("DELETE FROM {} t USING lugger_duplicates d WHERE t.ctid = d.lugger_row AND "
                  "d.lugger_place > 1",
                  name));
  session.execute("DROP TABLE lugger_duplicates");
  // They were counted as inserted when they were copied.
  tally.inserted -= all;
  tally.unchanged += all - differing;
  (mapping.on_conflict == OnConflict::kUpdate ? tally.updated : tally.skipped) += differing;
  tally.rows -= all + child_rows;
  tally.child_rows -= child_rows;
  return all;
}

}  // namespace lugger
