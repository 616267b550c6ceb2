#include "postgres/row_eraser.hpp"

#include <algorithm>
#include <tuple>

#include "base/error.hpp"
#include "postgres/compared_reader.hpp"
#include "postgres/compared_sql.hpp"

namespace lugger {

namespace {

constexpr size_t kRowsAtOnce = 1000;

uint64_t erase_at(PgSession& session, const PgComparedTable& table, std::vector<RowPlace>& places) {
  std::sort(places.begin(), places.end(), [](const RowPlace& a, const RowPlace& b) {
    return std::tie(a.table, a.page, a.item) < std::tie(b.table, b.page, b.item);
  });
  uint64_t out = 0;
  for (size_t first = 0, last = 0; first < places.size(); first = last) {
    std::string ids;
    for (; last < places.size() && last - first < kRowsAtOnce &&
           places[last].table == places[first].table;
         ++last)
      ids += fmt::format("{}\"({},{})\"", ids.empty() ? "" : ",", places[last].page,
                         places[last].item);
    out += session
               .query(fmt::format("DELETE FROM {} AS t WHERE t.tableoid = {}::oid AND t.ctid = ANY "
                                  "('{{{}}}'::tid[])",
                                  table.quoted, places[first].table, ids))
               .affected();
  }
  return out;
}

KeyText key_of(const StoredRow& row, const PgComparedTable& table) {
  KeyText out;
  for (const size_t k : table.key)
    out.push_back(server_text_or_null(row.values[k], table.columns[k]));
  return out;
}

uint64_t erase_keys(PgSession& session, const PgComparedTable& table,
                    const std::vector<KeyText>& keys) {
  uint64_t out = 0;
  for (size_t first = 0, last = 0; first < keys.size(); first = last) {
    std::vector<const KeyText*> some;
    for (; last < keys.size() && some.size() < kRowsAtOnce; ++last) some.push_back(&keys[last]);
    out += session
               .query(fmt::format("DELETE FROM {} AS t WHERE {}", table.quoted,
                                  keys_condition(table, table.key, some)))
               .affected();
  }
  return out;
}

class PgRowEraser final : public RowEraser {
 public:
  PgRowEraser(const std::string& url, bool pooled, const PgComparedTables& tables)
      : session_(url, "repair", pooled), tables_(tables) {}

  void erase(const std::vector<size_t>& tables, const std::string& where, RowChooser& chooser,
             std::vector<uint64_t>& erased) override {
    session_.begin();
    try {
      session_.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      std::vector<Found> found = find(tables, where, chooser);
      for (size_t t = tables_.size(); t-- != 0;) {  // child rows first
        erased[t] = erase_at(session_, tables_[t], found[t].places) +
                    erase_keys(session_, tables_[t], found[t].keys);
      }
      session_.commit();
    } catch (const Error& error) {
      session_.rollback();
      constexpr std::string_view kSerialization = "40001";
      if (error.sqlstate() != kSerialization) throw;
      throw Error(Code::kConflict, "extra rows were changed while they were being deleted",
                  "none was deleted; the same command looks at them again", error.sqlstate());
    }
  }

  void erase_orphans(size_t child, size_t own, const std::vector<const KeyText*>& keys) override {
    const PgComparedTable &rows = tables_[child], &parents = tables_[own];
    std::string same;
    for (size_t k = 0; k < parents.key.size(); ++k) {
      same += fmt::format("{}o.{} = t.{}", k == 0 ? "" : " AND ",
                          PgSession::quote_name(parents.columns[parents.key[k]].name),
                          PgSession::quote_name(rows.columns[rows.root[k]].name));
    }
    session_.execute(
        fmt::format("DELETE FROM {} AS t WHERE {} AND NOT EXISTS (SELECT FROM {} o WHERE {})",
                    rows.quoted, keys_condition(rows, rows.root, keys), parents.quoted, same));
  }

 private:
  /// The rows of a table to delete, by ctid or by key.
  struct Found {
    std::vector<RowPlace> places;
    std::vector<KeyText> keys;
  };
  std::vector<Found> find(const std::vector<size_t>& tables, const std::string& where,
                          RowChooser& chooser) {
    std::vector<Found> out(tables_.size());
    for (const size_t t : tables) {
      const PgComparedTable& table = tables_[t];
      ComparedReader reader(session_, !table.spread);
      reader.read(table, where_condition(tables_, table, where),
                  [&](const StoredRow& row, const RowPlace& place) {
                    if (!chooser.goes(row)) return true;
                    if (table.spread) {
                      out[t].keys.push_back(key_of(row, table));
                    } else {
                      out[t].places.push_back(place);
                    }
                    return true;
                  });
    }
    return out;
  }

  PgSession session_;
  const PgComparedTables& tables_;
};

}  // namespace

std::unique_ptr<RowEraser> make_pg_row_eraser(const std::string& url, bool pooled,
                                              const PgComparedTables& tables) {
  return std::make_unique<PgRowEraser>(url, pooled, tables);
}

}  // namespace lugger
