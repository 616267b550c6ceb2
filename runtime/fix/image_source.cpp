// Undo: restores rows that are still as a run left them.
#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "fix/source.hpp"

namespace lugger {

namespace {

std::string shown(const std::optional<std::string>& text) {
  return text ? quoted_excerpt(*text) : "NULL";
}

class ImageSource final : public ChangeSource {
 public:
  ImageSource(const FixTable& table, const std::string& schema, std::string run, std::string where)
      : table_(table),
        images_(PgSession::quote_name(schema) + ".images"),
        run_(std::move(run)),
        where_(std::move(where)) {}

  Proposal next(PgSession& session, const std::string& position, size_t limit) override {
    const PgRows rows = session.query(
        select(fmt::format("image > $2::int8 ORDER BY image LIMIT {}", limit), "LEFT JOIN", ""),
        {run_, position.empty() ? "0" : position});
    Proposal out = propose(rows);
    if (rows.size() != 0) out.position = rows.text(rows.size() - 1, 0);
    return out;
  }

  Proposal again(PgSession& session, const Proposal& first,
                 const std::vector<size_t>& changes) override {
    TextArray numbers;
    for (const size_t change : changes)
      numbers.add(std::to_string(first.rows[first.changes[change].row].image));
    const PgRows rows =
        session.query(select("image = ANY ($2::int8[])", "JOIN",
                             table_.distributed ? "" : " FOR NO KEY UPDATE OF " + table_.alias),
                      {run_, numbers.take()});
    Proposal out = propose(rows);
    if (rows.size() < changes.size()) explain_missing(session, first, changes, out);
    return out;
  }

 private:
  /// A row that is still visible but cannot be locked is protected by row-level security.
  void explain_missing(PgSession& session, const Proposal& first,
                       const std::vector<size_t>& changes, Proposal& out) const {
    for (const size_t change : changes) {
      const FixRow& row = first.rows[first.changes[change].row];
      const bool found = std::any_of(out.rows.begin(), out.rows.end(), [&](const FixRow& locked) {
        return locked.image == row.image;
      });
      if (found) continue;
      const PgRows seen = session.query(select("image = $2::int8", "LEFT JOIN", ""),
                                        {run_, std::to_string(row.image)});
      if (seen.text(0, 1) == row.version) {
        out.rejects.push_back(kept_by_row_security(table_, row));
      } else {
        ++out.skips["deleted by another session meanwhile"];
      }
    }
  }
  /// One line for each image: number, version of the row or NULL, whether --where selects it, the
  /// key, and for each field: whether it changed, before, after, now, and the type of its
  /// container. Our names cannot clash with names in the user's condition.
  std::string select(const std::string& which, std::string_view join,
                     const std::string& lock) const {
    std::string list =
        fmt::format("lugger_i.lugger_image, CASE WHEN {} IS NOT NULL THEN {} END, {}",
                    table_.distributed ? table_.column(table_.key[0]) : table_.alias + ".ctid",
                    table_.version_of(table_.alias),
                    where_.empty() ? "true" : fmt::format("coalesce(({}\n), false)", where_));
    std::string match;
    for (size_t k = 0; k < table_.key.size(); ++k) {
      list += fmt::format(", lugger_i.lugger_key[{}]", k + 1);
      match += fmt::format("{}{} = (lugger_i.lugger_key[{}])::{}", k == 0 ? "" : " AND ",
                           table_.column(table_.key[k]), k + 1, table_.key_types[k]);
    }
    for (const FixField& field : table_.fields) {
      const std::string place = fmt::format("pg_catalog.array_position(lugger_i.lugger_fields, {})",
                                            PgSession::quote_literal(field.name));
      FixField parent = field;
      if (!field.path.empty()) parent.path.pop_back();
      list += fmt::format(
          ", {0} IS NOT NULL, lugger_i.lugger_before[{0}], lugger_i.lugger_after[{0}], {1}, {2}",
          place, FixTable::text_of(table_.field_value(field)),
          field.path.empty()
              ? "NULL"
              : fmt::format("pg_catalog.jsonb_typeof({})", table_.field_value(parent)));
    }
    return fmt::format(
        "SELECT {} FROM (SELECT image, key, fields, before, after FROM {} WHERE run = $1 AND {}) "
        "AS "
        "lugger_i (lugger_image, lugger_key, lugger_fields, lugger_before, lugger_after) {} {} AS "
        "{} "
        "ON {} ORDER BY lugger_i.lugger_image{}",
        list, images_, which, join, table_.relation, table_.alias, match, lock);
  }

  Proposal propose(const PgRows& rows) const {
    Proposal out;
    for (size_t r = 0; r < rows.size(); ++r) {
      FixRow row;
      row.image = std::stoull(rows.text(r, 0));
      row.version = rows.text(r, 1);
      for (size_t k = 0; k < table_.key.size(); ++k) row.key.push_back(rows.text(r, 3 + k));
      const bool named = rows.text(r, 2) == "t";
      const bool deleted = !rows[r][1].has_value();
      RowChange change;
      change.row = r;
      RejectRecord reject;
      for (size_t f = 0; f < table_.fields.size(); ++f)
        look_at(rows, r, 3 + table_.key.size() + 5 * f, f, row, change, reject);
      if (deleted) {
        reject.code = kDeleted;
        reject.message = "the row was deleted since";
        reject.column.clear();
      }
      if (!where_.empty() && !named && !deleted) {
        ++out.skips["not named by --where"];
      } else if (!reject.code.empty()) {
        reject.table = table_.name;
        reject.document_id = row.shown_key();
        out.rejects.push_back(std::move(reject));
      } else if (change.mask.find('1') != change.mask.npos) {
        out.changes.push_back(std::move(change));
      }
      out.rows.push_back(std::move(row));
    }
    return out;
  }

  void look_at(const PgRows& rows, size_t r, size_t at, size_t f, FixRow& row, RowChange& change,
               RejectRecord& reject) const {
    const FixField& field = table_.fields[f];
    const auto &before = rows[r][at + 1], &after = rows[r][at + 2], &now = rows[r][at + 3];
    row.before.push_back(now);
    row.parent.push_back(rows.text(r, at + 4));
    const bool changed = rows.text(r, at) == "t";
    change.mask += changed && now != before ? '1' : '0';
    change.after.push_back(changed ? before : now);
    if (!changed || now == before || !reject.code.empty()) return;
    const bool no_place = !field.path.empty() && row.parent.back() != "object" &&
                          (row.parent.back() != "array" || !before);
    if (now == after && !no_place) return;
    reject.code = kTouched;
    reject.column = field.name;
    reject.message =
        fmt::format("{} is {} now; the run left {}", field.name, shown(now), shown(after));
  }

  const FixTable& table_;
  std::string images_, run_, where_;
};

}  // namespace

std::unique_ptr<ChangeSource> image_source(const FixTable& table, const std::string& state_schema,
                                           const std::string& run, const std::string& where) {
  return std::make_unique<ImageSource>(table, state_schema, run, where);
}

}  // namespace lugger
