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

class PgRowEraser final : public RowEraser {
 public:
  PgRowEraser(const std::string& url, bool pooled, const PgComparedTables& tables)
      : session_(url, "repair", pooled), tables_(tables) {}

  std::vector<uint64_t> erase(const std::vector<size_t>& tables, const std::string& where,
                              RowChooser& chooser) override {
    session_.begin();
    try {
      session_.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
      std::vector<std::vector<RowPlace>> places = find(tables, where, chooser);
      std::vector<uint64_t> out(tables_.size());
      for (size_t t = tables_.size(); t-- != 0;)  // child rows first
        out[t] = erase_at(session_, tables_[t], places[t]);
      session_.commit();
      return out;
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
  /// Where the rows lie that go, by table.
  std::vector<std::vector<RowPlace>> find(const std::vector<size_t>& tables,
                                          const std::string& where, RowChooser& chooser) {
    std::vector<std::vector<RowPlace>> out(tables_.size());
    ComparedReader reader(session_, true);
    for (const size_t t : tables) {
      reader.read(tables_[t], where_condition(tables_, tables_[t], where),
                  [&](const StoredRow& row, const RowPlace& place) {
                    if (chooser.goes(row)) out[t].push_back(place);
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
