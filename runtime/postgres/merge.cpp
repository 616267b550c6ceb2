#include "postgres/merge.hpp"

namespace lugger {
namespace {

using namespace fmt::literals;

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

/// A repair keeps stored rows that are newer.
bool keeps_newer(const PgTableLayout& layout) { return layout.mend && !layout.newer.empty(); }

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

/// The document's own rows of a turn: one staging relation, or those of all routes.
std::string MergeSql::roots(int turn) const {
  std::string out;
  for (size_t t = 0; t < tables_.size() && tables_[t].own; ++t) {
    out += fmt::format("{}SELECT * FROM {} WHERE turn = {}", t == 0 ? "" : " UNION ALL ", stage(t),
                       turn);
  }
  return "(" + out + ")";
}

std::string MergeSql::outcome() const {
  return std::string(relations_ == Relations::kTemporary ? kOutcomeTable : "outcome");
}

std::string MergeSql::key_text(std::string_view alias, const std::vector<size_t>& fields) {
  return "ARRAY[" +
         join(fields, ", ",
              [&](size_t f) { return fmt::format("{}.{}::text", alias, stage_column(f)); }) +
         "]";
}

std::string MergeSql::insert(size_t table) const {
  const PgTableLayout& layout = tables_[table];
  return fmt::format("{} SELECT {} FROM {} s ORDER BY s.seq", insert_into(layout, false),
                     staged_values(layout), stage(table));
}

std::string MergeSql::most_of_a_key(size_t table) const {
  return fmt::format(
      "SELECT pg_catalog.max(n) FROM (SELECT pg_catalog.count(*) AS n FROM {} s GROUP BY {}) k",
      stage(table), key_list(tables_[table]));
}

std::string MergeSql::turns(size_t table) const {
  return fmt::format(
      "SELECT seq, n AS turn FROM (SELECT s.seq, pg_catalog.row_number() OVER (PARTITION BY {} "
      "ORDER BY "
      "s.doc, s.seq) AS n FROM {} s) k WHERE n > 1",
      key_list(tables_[table]), stage(table));
}

std::string MergeSql::conflict_action(const PgTableLayout& layout, bool always) const {
  const std::vector<size_t> fields = compared_fields(layout);
  if (on_conflict_ == OnConflict::kSkip || fields.empty()) return "DO NOTHING";
  auto excluded = [&](size_t f) { return "EXCLUDED." + layout.fields[f].name; };
  const std::string set = "DO UPDATE SET " + join(fields, ", ", [&](size_t f) {
                            return layout.fields[f].name + " = " + excluded(f);
                          });
  if (always) return set;
  if (layout.distributed) return set + " WHERE " + beats(layout, excluded);
  return fmt::format("{} WHERE {} AND {}", set,
                     distinct(
                         layout, [&](size_t f) { return stored(layout, f); }, excluded),
                     beats(layout, excluded));
}

/// Does the row that comes take the place of the one that stands?
template <typename Comes>
std::string MergeSql::beats(const PgTableLayout& layout, Comes&& comes) const {
  const bool keeps = keeps_newer(layout);
  if (on_conflict_ != OnConflict::kNewer && !keeps) return "true";
  for (size_t f = 0; f < layout.fields.size(); ++f) {
    if (stage_column(f) != layout.newer || !layout.fields[f].update) continue;
    const std::string old = stored(layout, f), made = comes(f);
    if (keeps)
      return fmt::format("({0} > {1} OR {0} IS NOT NULL AND {1} IS NULL) IS NOT TRUE", old, made);
    return fmt::format("({0} < {1} OR {0} IS NULL AND {1} IS NOT NULL)", old, made);
  }
  return "true";
}

/// Empty for on_conflict = error.
std::string MergeSql::conflict_clause(const PgTableLayout& layout) const {
  if (on_conflict_ == OnConflict::kError) return {};
  return fmt::format("ON CONFLICT ({}) {} ",
                     join(layout.key, ", ", [&](size_t f) { return layout.fields[f].name; }),
                     conflict_action(layout, false));
}

/// Of a distributed table: the staged rows that stand already as they come, which the conflict's
/// own condition cannot leave out there.
std::string MergeSql::standing(const PgTableLayout& layout, size_t table, int turn) const {
  const std::string differs = distinct(
      layout, [&](size_t f) { return stored(layout, f); },
      [&](size_t f) { return staged_for_compare(layout, f, "s"); });
  return fmt::format(
      "e AS MATERIALIZED (SELECT s.seq FROM {} s JOIN {} t ON {} WHERE s.turn = {} AND NOT {})",
      stage(table), layout.table,
      join(
          layout.key, " AND ",
          [&](size_t f) { return stored(layout, f) + " = " + staged_for_compare(layout, f, "s"); }),
      turn, differs);
}

std::string MergeSql::rehearse(size_t table, int turn) const {
  const PgTableLayout& layout = tables_[table];
  const std::string key = join(layout.key, ", ", [&](size_t f) { return layout.fields[f].name; });
  return fmt::format(
      "i AS ({insert} SELECT {values} FROM {stage} s JOIN {outcome} o ON o.doc = s.doc AND o.k = "
      "{key_text} AND o.turn = s.turn WHERE s.turn = {turn} AND o.outcome = {unsure} ON CONFLICT "
      "({key}) {action} RETURNING {returned}) SELECT s.doc, {key_text} FROM {stage} s JOIN i ON "
      "{same} WHERE s.turn = {turn}",
      "insert"_a = insert_into(layout, true), "values"_a = staged_values(layout),
      "stage"_a = stage(table), "outcome"_a = outcome(), "key_text"_a = key_text("s", layout.key),
      "turn"_a = turn, "unsure"_a = static_cast<int>(Outcome::kUnsure), "key"_a = key,
      "action"_a = conflict_action(layout, true), "returned"_a = returned_key(layout),
      "same"_a = same_as_returned(layout));
}

/// Sorted by key, so that two sessions lock in one order.
std::string MergeSql::upsert_with(size_t table, int turn) const {
  const PgTableLayout& layout = tables_[table];
  const std::string sorted = join(layout.key, ", ", [&](size_t f) {
    return layout.fields[f].text_key ? staged(layout, f, "s") + " COLLATE \"C\""
                                     : staged_for_compare(layout, f, "s");
  });
  // A new row has no xmax; one that ON CONFLICT locked and updated has. Without ON CONFLICT every
  // row that comes back is new; partitioned tables, views and foreign tables have no xmax to ask.
  const std::string_view fresh = on_conflict_ == OnConflict::kError ? "true"
                                 : layout.has_xmax                  ? "t.xmax::text = '0'"
                                                                    : "NULL::bool";
  const bool sets = on_conflict_ == OnConflict::kUpdate || on_conflict_ == OnConflict::kNewer;
  const bool leaves = layout.distributed && sets && !compared_fields(layout).empty();
  return fmt::format(
      "{standing}i AS ({insert} SELECT {values} FROM {stage} s WHERE s.turn = {turn}{but_standing} "
      "ORDER BY {sorted} {on_conflict}RETURNING {returned}, {fresh} AS fresh)",
      "standing"_a = leaves ? standing(layout, table, turn) + ", " : "",
      "insert"_a = insert_into(layout, true), "values"_a = staged_values(layout),
      "stage"_a = stage(table), "turn"_a = turn,
      "but_standing"_a = leaves ? " AND s.seq NOT IN (SELECT seq FROM e)" : "", "sorted"_a = sorted,
      "on_conflict"_a = conflict_clause(layout), "returned"_a = returned_key(layout),
      "fresh"_a = fresh);
}

/// What became of a row that the server did not give back.
std::string MergeSql::untaken(const PgTableLayout& layout) const {
  const std::string missing = stored(layout, layout.key[0]) + " IS NULL";
  const std::string differs = distinct(
      layout, [&](size_t f) { return stored(layout, f); },
      [&](size_t f) { return staged_for_compare(layout, f, "s"); });
  if (on_conflict_ == OnConflict::kError) return "0";
  if (!layout.guarded) {
    if (on_conflict_ == OnConflict::kUpdate && !keeps_newer(layout)) return "4";
    // Missing: another session put it there meanwhile.
    return fmt::format("CASE WHEN {} OR {} THEN 3 ELSE 4 END", missing, differs);
  }
  // One that should have been set was kept out, or a trigger made it equal to what stands.
  const std::string beaten =
      on_conflict_ == OnConflict::kSkip
          ? "false"
          : beats(layout, [&](size_t f) { return staged_for_compare(layout, f, "s"); });
  return fmt::format("CASE WHEN {} THEN 0 WHEN NOT {} THEN 4 WHEN {} THEN 5 ELSE 3 END", missing,
                     differs, beaten);
}

std::string MergeSql::returned_key(const PgTableLayout& layout) {
  return join(layout.key, ", ",
              [&](size_t f) { return stored(layout, f) + " AS " + stage_column(f); });
}

/// Is staged row s the row that i gave back?
std::string MergeSql::same_as_returned(const PgTableLayout& layout) {
  return join(layout.key, " AND ", [&](size_t f) {
    return fmt::format("i.{} = {}", stage_column(f), staged_for_compare(layout, f, "s"));
  });
}

std::string MergeSql::upsert_outcome(size_t table, int turn) const {
  const PgTableLayout& layout = tables_[table];
  const std::string first_key = stage_column(layout.key[0]);
  const bool tells_fresh = on_conflict_ == OnConflict::kError || layout.has_xmax;
  const bool looks_at_old =
      on_conflict_ != OnConflict::kError &&
      (on_conflict_ == OnConflict::kSkip || on_conflict_ == OnConflict::kNewer ||
       !layout.has_xmax || layout.guarded || keeps_newer(layout));
  std::string old;
  if (looks_at_old) {
    old = " LEFT JOIN " + layout.table + " t ON " + join(layout.key, " AND ", [&](size_t f) {
            return stored(layout, f) + " = " + staged_for_compare(layout, f, "s");
          });
  }
  const std::string fresh = tells_fresh ? "i.fresh" : stored(layout, layout.key[0]) + " IS NULL";
  return fmt::format(
      "SELECT {turn} AS turn, s.doc, {key_text} AS k, (CASE WHEN i.{key} IS NULL THEN {untaken} "
      "WHEN {fresh} THEN 1 ELSE 2 END)::int2 AS outcome, i.{key} IS NOT NULL AS wrote FROM {stage} "
      "s LEFT JOIN i ON {same}{join_old} WHERE s.turn = {turn}",
      "turn"_a = turn, "key_text"_a = key_text("s", layout.key), "key"_a = first_key,
      "untaken"_a = untaken(layout), "fresh"_a = fresh, "stage"_a = stage(table),
      "same"_a = same_as_returned(layout), "join_old"_a = old);
}

/// By the equality of the stored key: one document may spell a key in two ways.
std::string MergeSql::of_root(const PgTableLayout& child) const {
  const PgTableLayout& root = tables_[0];
  std::string out = "s.doc = p.doc";
  for (size_t i = 0; i < root.key.size(); ++i) {
    const std::string& cast = root.fields[root.key[i]].compare_cast;
    out += fmt::format(" AND s.{0}{2} = p.{1}{2}", stage_column(child.root_key[i]),
                       stage_column(root.key[i]), cast);
  }
  return out;
}

/// Does child row s belong to the own row that outcome o tells of?
std::string MergeSql::of_outcome(const PgTableLayout& child) const {
  const PgTableLayout& root = tables_[0];
  std::string out = "o.doc = s.doc";
  for (size_t i = 0; i < root.key.size(); ++i) {
    const PgField& key = root.fields[root.key[i]];
    out += fmt::format(" AND (o.k[{}])::{}{} = s.{}{}", i + 1, key.plan_type, key.compare_cast,
                       stage_column(child.root_key[i]), key.compare_cast);
  }
  return out;
}

std::string MergeSql::stored_of_root(const PgTableLayout& child) const {
  const PgTableLayout& root = tables_[0];
  std::string out;
  for (size_t i = 0; i < root.key.size(); ++i) {
    if (i != 0) out += " AND ";
    out += stored(child, child.root_key[i]) + child.fields[child.root_key[i]].root_cast + " = " +
           staged_for_compare(root, root.key[i], "p");
  }
  return out;
}

std::string MergeSql::differing_children(size_t table, int turn) const {
  const PgTableLayout& child = tables_[table];
  const PgTableLayout& root = tables_[0];
  const std::string on_key = join(child.key, " AND ", [&](size_t f) {
    return stored(child, f) + " = " + staged_for_compare(child, f, "s");
  });
  std::string doubled;  // a key without an index may be there twice
  if (child.mend) {
    doubled = fmt::format(
        " UNION SELECT p.doc, {key_text} FROM {roots} p JOIN {child} t ON {of_root} GROUP BY "
        "p.doc, {key_text}, {child_key} HAVING pg_catalog.count(*) > 1",
        "key_text"_a = key_text("p", root.key), "roots"_a = roots(turn), "child"_a = child.table,
        "of_root"_a = stored_of_root(child),
        "child_key"_a = join(child.key, ", ", [&](size_t f) { return stored(child, f); }));
  }
  return fmt::format(
      "SELECT p.doc, {key_text} AS k FROM {roots} p JOIN {stage} s ON {staged_of_root} LEFT JOIN "
      "{child} t ON {on_key} WHERE t.{first_key} IS NULL OR {distinct} UNION SELECT p.doc, "
      "{key_text} FROM {roots} p JOIN {child} t ON {stored_of_root} LEFT JOIN {stage} s ON s.doc = "
      "p.doc AND {on_key} WHERE s.seq IS NULL{doubled}",
      "key_text"_a = key_text("p", root.key), "roots"_a = roots(turn), "stage"_a = stage(table),
      "staged_of_root"_a = of_root(child), "child"_a = child.table, "on_key"_a = on_key,
      "first_key"_a = child.fields[child.key[0]].name,
      "distinct"_a = distinct(
          child, [&](size_t f) { return stored(child, f); },
          [&](size_t f) { return staged_for_compare(child, f, "s"); }),
      "stored_of_root"_a = stored_of_root(child), "doubled"_a = doubled);
}

std::string MergeSql::remove_children(size_t table, int turn) const {
  const PgTableLayout& child = tables_[table];
  return fmt::format(
      "DELETE FROM {child} t USING {roots} p JOIN {outcome} o ON o.doc = p.doc AND o.k = "
      "{key_text} WHERE o.turn = {turn} AND o.outcome = {updated} AND {of_root}",
      "child"_a = child.table, "roots"_a = roots(turn), "outcome"_a = outcome(),
      "key_text"_a = key_text("p", tables_[0].key), "turn"_a = turn,
      "updated"_a = static_cast<int>(Outcome::kUpdated), "of_root"_a = stored_of_root(child));
}

/// Rows of parents that were written, in this turn.
std::string MergeSql::children_to_insert(size_t table, int turn) const {
  const PgTableLayout& child = tables_[table];
  return fmt::format("{} s JOIN {} o ON {} AND o.turn = {} AND o.outcome IN (1, 2)", stage(table),
                     outcome(), of_outcome(child), turn);
}

std::string MergeSql::insert_children(size_t table, int turn) const {
  const PgTableLayout& child = tables_[table];
  return fmt::format("{} SELECT {} FROM {} ORDER BY s.seq", insert_into(child, false),
                     staged_values(child), children_to_insert(table, turn));
}

std::string MergeSql::children_with(size_t table, int turn) const {
  const PgTableLayout& child = tables_[table];
  return fmt::format("i AS ({} SELECT {} FROM {} ORDER BY s.seq RETURNING {})",
                     insert_into(child, true), staged_values(child),
                     children_to_insert(table, turn), returned_key(child));
}

std::string MergeSql::children_taken(size_t table, int turn) const {
  const PgTableLayout& child = tables_[table];
  return fmt::format("SELECT o.doc, o.k, i.{} IS NOT NULL AS taken FROM {} LEFT JOIN i ON {}",
                     stage_column(child.key[0]), children_to_insert(table, turn),
                     same_as_returned(child));
}

std::string MergeSql::stored_of_gone(const PgTableLayout& layout) {
  return join(layout.key, " AND ", [&](size_t f) {
    return stored(layout, f) + " = " + staged_for_compare(layout, f, "p");
  });
}

std::string MergeSql::remove_gone_children(size_t table) const {
  const PgTableLayout& child = tables_[table];
  return fmt::format("DELETE FROM {} t USING gone p WHERE {}", child.table, stored_of_root(child));
}

std::string MergeSql::remove_gone(size_t table) const {
  const PgTableLayout& layout = tables_[table];
  return fmt::format("DELETE FROM {} t USING gone p WHERE {} RETURNING p.doc", layout.table,
                     stored_of_gone(layout));
}

std::string MergeSql::standing_of_gone(size_t table) const {
  const PgTableLayout& layout = tables_[table];
  return fmt::format("SELECT p.doc FROM gone p JOIN {} t ON {}", layout.table,
                     stored_of_gone(layout));
}

std::string MergeSql::key_list(const PgTableLayout& layout) const {
  return join(layout.key, ", ", [&](size_t f) { return staged_for_compare(layout, f, "s"); });
}

}  // namespace lugger
