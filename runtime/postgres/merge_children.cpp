#include "postgres/merge.hpp"
#include "postgres/merge_parts.hpp"

namespace lugger {

using namespace fmt::literals;
using namespace merge_parts;

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

/// Is stored child row t the staged child row s?
std::string MergeSql::same_child(const PgTableLayout& child) const {
  return join(child.key, " AND ", [&](size_t f) {
    return stored(child, f) + " = " + staged_for_compare(child, f, "s");
  });
}

std::string MergeSql::differing_children(size_t table, int turn) const {
  const PgTableLayout& child = tables_[table];
  const std::string k = key_text("p", tables_[0].key);
  std::string doubled;  // a key without an index may be there twice
  if (child.mend) {
    doubled = fmt::format(
        " UNION ALL SELECT p.doc, {k}, true FROM {roots} p JOIN {child} t ON {of_root} GROUP BY "
        "p.doc, {k}, {child_key} HAVING pg_catalog.count(*) > 1",
        "k"_a = k, "roots"_a = roots(turn), "child"_a = child.table,
        "of_root"_a = stored_of_root(child),
        "child_key"_a = join(child.key, ", ", [&](size_t f) { return stored(child, f); }));
  }
  return fmt::format(
      "SELECT doc, k, pg_catalog.bool_or(gone) AS gone FROM (SELECT coalesce(s.{of_doc}, "
      "t.{of_doc}) AS doc, "
      "coalesce(s.{of_k}, t.{of_k}) AS k, s.{of_doc} IS NULL AS gone FROM (SELECT p.doc AS "
      "{of_doc}, {k} AS {of_k}, s.* FROM {roots} p JOIN {stage} s ON {staged_of_root}) s FULL JOIN "
      "(SELECT p.doc AS {of_doc}, {k} AS {of_k}, {columns} FROM {roots} p JOIN {child} t ON "
      "{stored_of_root}) t ON s.{of_doc} = t.{of_doc} AND {same} WHERE s.{of_doc} IS NULL OR "
      "t.{of_doc} IS NULL OR {distinct}{doubled}) d GROUP BY doc, k",
      // Beside the user's columns.
      "of_doc"_a = "\"(doc)\"", "of_k"_a = "\"(k)\"", "k"_a = k, "roots"_a = roots(turn),
      "stage"_a = stage(table), "staged_of_root"_a = of_root(child), "child"_a = child.table,
      "columns"_a = join(all_fields(child), ", ", [&](size_t f) { return stored(child, f); }),
      "stored_of_root"_a = stored_of_root(child), "same"_a = same_child(child),
      "distinct"_a = distinct(
          child, [&](size_t f) { return stored(child, f); },
          [&](size_t f) { return staged_for_compare(child, f, "s"); }),
      "doubled"_a = doubled);
}

std::string MergeSql::mark_children(size_t table, int turn, Outcome other, bool first) const {
  return fmt::format("INSERT INTO {} SELECT {}, d.doc, d.k, {}, false, {}, d.gone FROM ({}) d",
                     outcome(), first ? turn : -turn, static_cast<int>(other),
                     other == Outcome::kUpdated, differing_children(table, turn));
}

/// The server takes what a CTE gives for a few rows, and would look at all outcomes for each.
std::string MergeSql::settle_marks(int turn) const {
  return fmt::format(
      "SET LOCAL enable_nestloop = off; WITH d AS (DELETE FROM {outcome} WHERE turn = -{turn} "
      "RETURNING *), u AS (UPDATE {outcome} o SET others = true, gone = o.gone OR d.gone FROM d "
      "WHERE o.doc = d.doc AND o.k = d.k AND o.turn = {turn} AND o.outcome = {updated}) INSERT "
      "INTO {outcome} SELECT {turn}, d.doc, d.k, d.outcome, d.wrote, d.others, d.gone FROM d WHERE "
      "NOT EXISTS (SELECT FROM {outcome} o WHERE o.doc = d.doc AND o.k = d.k AND o.turn = {turn}); "
      "SET LOCAL enable_nestloop = DEFAULT",
      "outcome"_a = outcome(), "turn"_a = turn, "updated"_a = static_cast<int>(Outcome::kUpdated));
}

std::string MergeSql::remove_children(size_t table, int turn) const {
  const PgTableLayout& child = tables_[table];
  return fmt::format(
      "DELETE FROM {child} t USING {roots} p JOIN {outcome} o ON o.doc = p.doc AND o.k = "
      "{key_text} WHERE o.turn = {turn} AND o.others{gone} AND {of_root}",
      "child"_a = child.table, "roots"_a = roots(turn), "outcome"_a = outcome(),
      "key_text"_a = key_text("p", tables_[0].key), "turn"_a = turn,
      "gone"_a = child.in_place ? " AND o.gone" : "", "of_root"_a = stored_of_root(child));
}

/// Rows of parents of this turn of which a condition over their outcome o holds.
std::string MergeSql::children_of(size_t table, int turn, std::string_view condition) const {
  return fmt::format("{} s JOIN {} o ON {} AND o.turn = {} AND {}", stage(table), outcome(),
                     of_outcome(tables_[table]), turn, condition);
}

/// New parents, or those whose child rows are to be replaced.
std::string MergeSql::children_to_insert(size_t table, int turn) const {
  return children_of(table, turn, "(o.outcome = 1 OR o.others)");
}

std::string MergeSql::insert_children(size_t table, int turn) const {
  const PgTableLayout& child = tables_[table];
  return fmt::format(
      "{} SELECT {} FROM {} ORDER BY s.seq", insert_into(child, false), staged_values(child),
      child.in_place ? children_of(table, turn, "o.outcome = 1") : children_to_insert(table, turn));
}

std::string MergeSql::remove_missing_children(size_t table) const {
  const PgTableLayout& child = tables_[table];
  return fmt::format(
      "DELETE FROM {} t USING {} p WHERE {} AND NOT EXISTS (SELECT FROM {} s WHERE {})",
      child.table, roots(1), stored_of_root(child), stage(table), same_child(child));
}

std::string MergeSql::set_all_children(size_t table) const {
  return set_children_of(table, stage(table) + " s");
}

std::string MergeSql::set_children(size_t table, int turn) const {
  return set_children_of(table, children_of(table, turn, "o.others"));
}

std::string MergeSql::set_children_of(size_t table, const std::string& staged) const {
  const PgTableLayout& child = tables_[table];
  const auto excluded = [&](size_t f) { return "EXCLUDED." + child.fields[f].name; };
  const std::vector<size_t> fields = compared_fields(child);
  return fmt::format(
      "{} SELECT {} FROM {} ON CONFLICT ({}) {}", insert_into(child, true), staged_values(child),
      staged, key_names(child),
      fields.empty()
          ? "DO NOTHING"
          : fmt::format("DO UPDATE SET {} WHERE {}", set_list(child),
                        distinct(
                            child, [&](size_t f) { return stored(child, f); }, excluded)));
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

}  // namespace lugger
