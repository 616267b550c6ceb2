#include "postgres/merge.hpp"

#include "postgres/merge_parts.hpp"

namespace lugger {

using namespace fmt::literals;
using namespace merge_parts;

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
  const auto excluded = [&](size_t f) { return "EXCLUDED." + layout.fields[f].name; };
  const std::string set = "DO UPDATE SET " + set_list(layout);
  if (always) return set;
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
  return fmt::format("ON CONFLICT ({}) {} ", key_names(layout), conflict_action(layout, false));
}

std::string MergeSql::rehearse(size_t table, int turn) const {
  const PgTableLayout& layout = tables_[table];
  return fmt::format(
      "i AS ({insert} SELECT {values} FROM {stage} s JOIN {outcome} o ON o.doc = s.doc AND o.k = "
      "{key_text} AND o.turn = s.turn WHERE s.turn = {turn} AND o.outcome = {unsure} ON CONFLICT "
      "({key}) {action} RETURNING {returned}) SELECT s.doc, {key_text} FROM {stage} s JOIN i ON "
      "{same} WHERE s.turn = {turn}",
      "insert"_a = insert_into(layout, true), "values"_a = staged_values(layout),
      "stage"_a = stage(table), "outcome"_a = outcome(), "key_text"_a = key_text("s", layout.key),
      "turn"_a = turn, "unsure"_a = static_cast<int>(Outcome::kUnsure), "key"_a = key_names(layout),
      "action"_a = conflict_action(layout, true), "returned"_a = returned_key(layout),
      "same"_a = same_as_returned(layout));
}

/// Sorted by key, so that two sessions lock in one order.
std::string MergeSql::upsert_with(size_t table, int turn, bool sorted) const {
  const PgTableLayout& layout = tables_[table];
  const std::string order = join(layout.key, ", ", [&](size_t f) {
    return layout.fields[f].text_key ? staged(layout, f, "s") + " COLLATE \"C\""
                                     : staged_for_compare(layout, f, "s");
  });
  // A new row has no xmax; one that ON CONFLICT locked and updated has. Without ON CONFLICT every
  // row that comes back is new; partitioned tables, views and foreign tables have no xmax to ask.
  const std::string_view fresh = on_conflict_ == OnConflict::kError ? "true"
                                 : layout.has_xmax                  ? "t.xmax::text = '0'"
                                                                    : "NULL::bool";
  return fmt::format(
      "i AS ({insert} SELECT {values} FROM {stage} s WHERE s.turn = {turn} {sorted}{on_conflict}"
      "RETURNING {returned}, {fresh} AS fresh)",
      "insert"_a = insert_into(layout, true), "values"_a = staged_values(layout),
      "stage"_a = stage(table), "turn"_a = turn,
      "sorted"_a = sorted ? "" : "ORDER BY " + order + " ",
      "on_conflict"_a = conflict_clause(layout), "returned"_a = returned_key(layout),
      "fresh"_a = fresh);
}

/// Whatever does not come back is unchanged.
bool MergeSql::gives_back_changes(const PgTableLayout& layout) const {
  return on_conflict_ == OnConflict::kUpdate && !layout.guarded && !keeps_newer(layout);
}

bool MergeSql::counts_itself(size_t table) const {
  return gives_back_changes(tables_[table]) && tables_[table].has_xmax;
}

std::string MergeSql::upsert_counts() const {
  return "SELECT pg_catalog.count(*) FILTER (WHERE fresh), pg_catalog.count(*) FROM i";
}

/// What became of a row that the server did not give back.
std::string MergeSql::untaken(const PgTableLayout& layout) const {
  const std::string missing = stored(layout, layout.key[0]) + " IS NULL";
  const std::string differs = distinct(
      layout, [&](size_t f) { return stored(layout, f); },
      [&](size_t f) { return staged_for_compare(layout, f, "s"); });
  if (on_conflict_ == OnConflict::kError) return "0";
  if (gives_back_changes(layout)) return "4";
  if (!layout.guarded) {
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
  // What is unchanged is not kept.
  const bool all = relations_ == Relations::kExpressions;
  const bool joins_all = all || !gives_back_changes(layout);
  const std::string sql = fmt::format(
      "SELECT {turn} AS turn, s.doc, {key_text} AS k, (CASE WHEN i.{key} IS NULL THEN {untaken} "
      "WHEN {fresh} THEN 1 ELSE 2 END)::int2 AS outcome, i.{key} IS NOT NULL AS wrote, false AS "
      "others, false AS gone FROM {stage} s {left}JOIN i ON {same}{join_old} WHERE s.turn = {turn}",
      "turn"_a = turn, "key_text"_a = key_text("s", layout.key), "key"_a = first_key,
      "untaken"_a = untaken(layout), "fresh"_a = fresh, "stage"_a = stage(table),
      "left"_a = joins_all ? "LEFT " : "", "same"_a = same_as_returned(layout), "join_old"_a = old);
  return all || !joins_all ? sql : fmt::format("SELECT * FROM ({}) told WHERE outcome <> 4", sql);
}

std::string MergeSql::key_list(const PgTableLayout& layout) const {
  return join(layout.key, ", ", [&](size_t f) { return staged_for_compare(layout, f, "s"); });
}

}  // namespace lugger
