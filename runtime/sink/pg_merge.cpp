#include "sink/pg_merge.hpp"

namespace lugger {
namespace {

template <typename Indices, typename Part>
std::string join(const Indices& indices, std::string_view between, Part&& part) {
  std::string out;
  for (size_t i : indices) {
    if (!out.empty()) out += between;
    out += part(i);
  }
  return out;
}

std::vector<size_t> all_fields(const PgTableLayout& layout) {
  std::vector<size_t> out(layout.fields.size());
  for (size_t i = 0; i < out.size(); ++i) out[i] = i;
  return out;
}

std::vector<size_t> compared_fields(const PgTableLayout& layout) {
  std::vector<size_t> out;
  for (size_t i = 0; i < layout.fields.size(); ++i) {
    if (layout.fields[i].update) out.push_back(i);
  }
  return out;
}

/// A staged value as the column's type.
std::string staged(const PgTableLayout& layout, size_t field, std::string_view alias) {
  return fmt::format("{}.{}{}", alias, stage_column(field), layout.fields[field].cast);
}

/// `stored IS DISTINCT FROM staged` over all compared columns; "false" when there are none.
template <typename Left, typename Right>
std::string distinct(const PgTableLayout& layout, Left&& left, Right&& right) {
  const std::string out = join(compared_fields(layout), " OR ", [&](size_t f) {
    const std::string_view text = layout.fields[f].compare_as_text ? "::text" : "";
    return fmt::format("({}){} IS DISTINCT FROM ({}){}", left(f), text, right(f), text);
  });
  return out.empty() ? "false" : "(" + out + ")";
}

std::string stored(const PgTableLayout& layout, size_t field) {
  return "t." + layout.fields[field].name;
}

std::string staged_for_compare(const PgTableLayout& layout, size_t field, std::string_view alias) {
  return fmt::format("{}.{}{}", alias, stage_column(field), layout.fields[field].compare_cast);
}

std::string insert_into(const PgTableLayout& layout, bool alias) {
  return fmt::format("INSERT INTO {}{} ({}){}", layout.table, alias ? " AS t" : "",
                     layout.column_list(),
                     layout.identity_always ? " OVERRIDING SYSTEM VALUE" : "");
}

std::string staged_values(const PgTableLayout& layout) {
  return join(all_fields(layout), ", ", [&](size_t f) { return staged(layout, f, "s"); });
}

}  // namespace

std::string stage_table(size_t table) { return fmt::format("pg_temp.lugger_stage_{}", table); }

std::string MergeSql::stage(size_t table) const {
  return relations_ == Relations::kTemporary ? stage_table(table) : fmt::format("stage_{}", table);
}

/// The document's own rows: one staging relation, or those of all routes.
std::string MergeSql::roots() const {
  std::string out;
  for (size_t t = 0; t < tables_.size() && tables_[t].own; ++t) {
    if (t == 1) out.insert(0, "(SELECT * FROM ");
    if (t != 0) out += " UNION ALL SELECT * FROM ";
    out += stage(t);
  }
  return tables_.size() > 1 && tables_[1].own ? out + ")" : out;
}

std::string MergeSql::outcome() const {
  return std::string(relations_ == Relations::kTemporary ? kOutcomeTable : "outcome");
}

std::string MergeSql::key_text(std::string_view alias, const std::vector<size_t>& fields) {
  if (fields.size() == 1) return fmt::format("{}.{}::text", alias, stage_column(fields[0]));
  return "ROW(" +
         join(fields, ", ",
              [&](size_t f) { return fmt::format("{}.{}", alias, stage_column(f)); }) +
         ")::text";
}

std::string MergeSql::insert(size_t table) const {
  const PgTableLayout& layout = tables_[table];
  return fmt::format("{} SELECT {} FROM {} s ORDER BY s.seq", insert_into(layout, false),
                     staged_values(layout), stage(table));
}

/// One row a key: the first (skip), the last (update), the newest (newer). Sorted by key, so that
/// two sessions lock in one order.
std::string MergeSql::winners(size_t table) const {
  const PgTableLayout& layout = tables_[table];
  const std::string key = join(layout.key, ", ", [&](size_t f) {
    return staged(layout, f, "s") + (layout.fields[f].text_key ? " COLLATE \"C\"" : "");
  });
  std::string order = "s.seq";
  if (on_conflict_ == OnConflict::kUpdate) order = "s.seq DESC";
  if (on_conflict_ == OnConflict::kNewer)
    order = "s." + layout.newer + " DESC NULLS LAST, s.seq";
  const std::string values = join(all_fields(layout), ", ", [&](size_t f) {
    return staged(layout, f, "s") + " AS " + stage_column(f);
  });
  return fmt::format("SELECT DISTINCT ON ({0}) s.seq, {1} FROM {2} s ORDER BY {0}, {3}", key,
                     values, stage(table), order);
}

std::string MergeSql::conflict_action(const PgTableLayout& layout) const {
  const std::vector<size_t> fields = compared_fields(layout);
  if (on_conflict_ == OnConflict::kSkip || fields.empty()) return "DO NOTHING";
  auto excluded = [&](size_t f) { return "EXCLUDED." + layout.fields[f].name; };
  std::string where = distinct(
      layout, [&](size_t f) { return stored(layout, f); }, excluded);
  if (on_conflict_ == OnConflict::kNewer) {
    for (size_t f : fields) {
      if (stage_column(f) != layout.newer) continue;
      where += fmt::format(" AND ({0} < {1} OR {0} IS NULL AND {1} IS NOT NULL)", stored(layout, f),
                           excluded(f));
    }
  }
  return fmt::format(
      "DO UPDATE SET {} WHERE {}",
      join(fields, ", ", [&](size_t f) { return layout.fields[f].name + " = " + excluded(f); }),
      where);
}

std::string MergeSql::upsert_with(size_t table) const {
  const PgTableLayout& layout = tables_[table];
  const std::string keys = join(layout.key, ", ", [&](size_t f) { return layout.fields[f].name; });
  const std::string returned = join(
      layout.key, ", ", [&](size_t f) { return stored(layout, f) + " AS " + stage_column(f); });
  const std::string sorted = join(layout.key, ", ", [&](size_t f) {
    return "w." + stage_column(f) + (layout.fields[f].text_key ? " COLLATE \"C\"" : "");
  });
  // A new row has no xmax; one that ON CONFLICT locked and updated has. Partitioned tables cannot
  // tell.
  return fmt::format(
      "w AS MATERIALIZED ({}), i AS ({} SELECT {} FROM w ORDER BY {} ON CONFLICT ({}) {} RETURNING "
      "{}, {} AS fresh)",
      winners(table), insert_into(layout, true),
      join(all_fields(layout), ", ", [&](size_t f) { return "w." + stage_column(f); }), sorted,
      keys, conflict_action(layout), returned,
      layout.partitioned ? "NULL::bool" : "t.xmax::text = '0'");
}

std::string MergeSql::upsert_outcome(size_t table) const {
  const PgTableLayout& layout = tables_[table];
  const std::string first_key = stage_column(layout.key[0]);
  auto staged_here = [&](size_t f) { return staged_for_compare(layout, f, "s"); };
  const std::string differs = distinct(
      layout, [&](size_t f) { return stored(layout, f); }, staged_here);
  const std::string loses = distinct(
      layout, [&](size_t f) { return "w." + stage_column(f); },
      [&](size_t f) { return staged(layout, f, "s"); });
  const std::string stays = on_conflict_ == OnConflict::kUpdate
                                ? "4"
                                : fmt::format("CASE WHEN t.{} IS NULL OR {} THEN 3 ELSE 4 END",
                                              layout.fields[layout.key[0]].name, differs);
  const std::string missing = "t." + layout.fields[layout.key[0]].name + " IS NULL";
  const std::string winner =
      fmt::format("CASE WHEN i.{} IS NULL THEN {} WHEN {} THEN 1 ELSE 2 END", first_key, stays,
                  layout.partitioned ? missing : "i.fresh");
  const std::string loser = fmt::format("CASE WHEN {} THEN {} ELSE 4 END", loses,
                                        on_conflict_ == OnConflict::kUpdate ? 2 : 3);
  auto same_key = [&](std::string_view left, std::string_view right) {
    return join(layout.key, " AND ", [&](size_t f) {
      return fmt::format("{}.{} = {}.{}", left, stage_column(f), right, stage_column(f));
    });
  };
  std::string old;
  if (on_conflict_ != OnConflict::kUpdate || layout.partitioned) {
    old = " LEFT JOIN " + layout.table + " t ON " + join(layout.key, " AND ", [&](size_t f) {
            return stored(layout, f) + " = w." + stage_column(f);
          });
  }
  return fmt::format(
      "SELECT s.doc, {} AS k, (CASE WHEN s.seq = w.seq THEN {} ELSE {} END)::int2 AS outcome, "
      "s.seq = w.seq AS winner,"
      " s.seq = w.seq AND i.{} IS NOT NULL AS wrote FROM {} s JOIN w ON {} LEFT JOIN i ON {}{}",
      key_text("s", layout.key), winner, loser, first_key, stage(table),
      join(layout.key, " AND ",
           [&](size_t f) { return staged(layout, f, "s") + " = w." + stage_column(f); }),
      same_key("i", "w"), old);
}

std::string MergeSql::differing_children(size_t table) const {
  const PgTableLayout& child = tables_[table];
  const PgTableLayout& root = tables_[0];
  const std::string on_key = join(child.key, " AND ", [&](size_t f) {
    return stored(child, f) + " = " + staged(child, f, "s");
  });
  std::string on_root;
  for (size_t i = 0; i < root.key.size(); ++i) {
    if (i != 0) on_root += " AND ";
    on_root += stored(child, child.root_key[i]) + " = " + staged(root, root.key[i], "p");
  }
  return fmt::format(
      "SELECT s.doc, {0} AS k FROM {1} s LEFT JOIN {2} t ON {3} WHERE t.{4} IS NULL OR {5}"
      " UNION SELECT p.doc, {6} FROM {7} p JOIN {2} t ON {8} LEFT JOIN {1} s ON s.doc = p.doc AND "
      "{3} WHERE s.seq IS NULL",
      key_text("s", child.root_key), stage(table), child.table, on_key,
      child.fields[child.key[0]].name,
      distinct(
          child, [&](size_t f) { return stored(child, f); },
          [&](size_t f) { return staged_for_compare(child, f, "s"); }),
      key_text("p", root.key), roots(), on_root);
}

std::string MergeSql::remove_children(size_t table) const {
  const PgTableLayout& child = tables_[table];
  const PgTableLayout& root = tables_[0];
  std::string on_root;
  for (size_t i = 0; i < root.key.size(); ++i) {
    on_root += " AND " + stored(child, child.root_key[i]) + " = " + staged(root, root.key[i], "p");
  }
  return fmt::format(
      "DELETE FROM {} t USING {} p JOIN {} o ON o.doc = p.doc AND o.k = {} WHERE o.winner AND "
      "o.outcome = 2{}",
      child.table, roots(), outcome(), key_text("p", root.key), on_root);
}

std::string MergeSql::insert_children(size_t table) const {
  const PgTableLayout& child = tables_[table];
  return fmt::format(
      "{} SELECT {} FROM {} s LEFT JOIN {} o ON o.doc = s.doc AND o.k = {}"
      " WHERE o.doc IS NULL OR (o.winner AND o.outcome IN (1, 2)) ORDER BY s.seq",
      insert_into(child, false), staged_values(child), stage(table), outcome(),
      key_text("s", child.root_key));
}

}  // namespace lugger
