#include "verify/extra_rows.hpp"

#include "postgres/catalog.hpp"

namespace lugger {

namespace {

constexpr size_t kRowsAtOnce = 1000;
// More than so many rows, and more than this share of a table, are asked for twice.
constexpr uint64_t kFewRows = 10, kShare = 10;

/// Reads tables for the rows to be deleted, and where they lie.
class Finder final : public TargetUse {
 public:
  explicit Finder(const WrongRows& wrong) : wrong_(wrong) {}
  void row(const TargetRow& row) override {
    const auto table = static_cast<uint32_t>(row.table.table);
    const bool extra = wrong_.extra.count({table, row.digests.row}) != 0;
    if (row.table.own) {
      if (!extra) return;
      roots_.insert(row.digests.root);
    } else if (!extra && roots_.count(row.digests.root) == 0) {
      return;
    }
    places[table].push_back(row.place);
  }
  std::map<uint32_t, std::vector<RowPlace>> places;  // by the plan's table

 private:
  const WrongRows& wrong_;
  std::set<Digest> roots_;  // of documents' own rows that go
};

uint64_t erase(PgSession& session, const ComparedTable& table, std::vector<RowPlace>& places) {
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

/// Rows of shards on two servers may lie in the same place of tables with the same number.
bool distributed(PgSession& session, const ComparedTable& table) {
  const std::optional<PgTable> actual = inspect_table(session, table.name);
  return actual && actual->distributed;
}

uint64_t rows_of(VerifyContext& context, const ComparedTable& table, const Verdict& verdict) {
  if (context.options.where.empty()) return verdict.tables[table.table].target;
  PgSession session(context.url, "repair", context.pooled);
  return std::stoull(session.query("SELECT count(*) FROM " + table.quoted).text(0, 0));
}

}  // namespace

std::string why_not_delete(VerifyContext& context, const WrongRows& wrong, const Verdict& verdict,
                           const RepairOptions& options, const std::vector<uint64_t>& deleted) {
  if (!verdict.altered.empty()) {
    const ColumnFinding& column = verdict.altered.front();
    return fmt::format(
        "extra rows are not deleted while a column of the mapping is not what it says: {}.{}",
        column.table, column.column);
  }
  PgSession session(context.url, "repair", context.pooled);
  for (const ComparedTable& table : context.comparison.tables) {
    if (wrong.extra_rows[table.table] != 0 && distributed(session, table)) {
      const std::string why = fmt::format(
          "extra rows of {} are not deleted: Citus distributes it, and a row cannot be named by "
          "its "
          "place",
          table.name);
      if (!options.apply) return why;
      throw Error(Code::kConfig, why,
                  "delete them by their keys: lugger verify --limit-shown 100 shows them; without "
                  "--delete-extra the other rows are repaired");
    }
  }
  if (options.delete_many) return {};
  if (verdict.without_key != 0) {
    return fmt::format(
        "{} documents were refused before the key of their row was known: extra rows may be theirs",
        verdict.without_key);
  }
  for (const ComparedTable& table : context.comparison.tables) {
    if (wrong.extra_rows[table.table] == 0) continue;
    const uint64_t before = table.table < deleted.size() ? deleted[table.table] : 0;
    const uint64_t extra = wrong.extra_rows[table.table] + before;
    if (extra <= kFewRows) continue;
    const uint64_t rows = rows_of(context, table, verdict) + before;
    if (extra * kShare <= rows) continue;
    if (before != 0) {
      return fmt::format(
          "{} of the {} rows of {} were deleted and {} more would be, more than a tenth", before,
          rows, table.name, extra - before);
    }
    return fmt::format("{} of the {} rows of {} would be deleted, more than a tenth", extra, rows,
                       table.name);
  }
  return {};
}

std::string delete_hint(const Verdict& verdict) {
  if (!verdict.altered.empty())
    return "mend the table, or the mapping; without --delete-extra the other rows are repaired";
  return "look at them with lugger verify --limit-shown 100; if they are to go, add --delete-many";
}

std::vector<uint64_t> delete_extra_rows(VerifyContext& context, const WrongRows& wrong) {
  PgSession session(context.url, "repair", context.pooled);
  session.begin();
  try {
    session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    Finder finder(wrong);
    TargetReader reader(context, session, true);
    const std::vector<ComparedTable>& tables = context.comparison.tables;
    for (const bool own : {true, false}) {
      for (const ComparedTable& table : tables) {
        if (table.own == own && !table.key.empty())
          reader.read(table, where_condition(context, table), finder, nullptr);
      }
    }
    std::vector<uint64_t> out(tables.size());
    for (size_t t = tables.size(); t-- != 0;) {  // child rows first
      const auto found = finder.places.find(static_cast<uint32_t>(t));
      if (found != finder.places.end()) out[t] = erase(session, tables[t], found->second);
    }
    session.commit();
    return out;
  } catch (const Error& error) {
    session.rollback();
    constexpr std::string_view kSerialization = "40001";
    if (error.sqlstate() != kSerialization) throw;
    throw Error(Code::kConflict, "extra rows were changed while they were being deleted",
                "none was deleted; the same command looks at them again", error.sqlstate());
  }
}

}  // namespace lugger
