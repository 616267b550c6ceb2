#include "postgres/search_plan.hpp"

namespace lugger {
namespace {

/// What the nodes of a plan read.
struct Scans {
  std::vector<std::string> ordered, chosen;  // indexes: in their order, as a bitmap of rows
  uint64_t whole = 0;                        // tables, of which every row is read
};

Scans scans_of(const PgRows& plan) {
  Scans out;
  for (size_t i = 0; i < plan.size(); ++i) {
    const std::string line = plan.text(i, 0);
    const auto name_behind = [&](std::string_view word, std::vector<std::string>& to) {
      const size_t at = line.find(word);
      if (at == std::string::npos) return;
      const size_t from = at + word.size();
      to.push_back(line.substr(from, line.find(" on ", from) - from));
    };
    name_behind("Index Scan using ", out.ordered);
    name_behind("Bitmap Index Scan on ", out.chosen);
    out.whole += line.find("Seq Scan on ") != std::string::npos ? 1 : 0;
  }
  return out;
}

/// An index of the table or of one of its partitions.
struct Index {
  std::string method;
  std::string settings;  // of a search by distance: ", hnsw.ef_search = 40"
};

Index index_of(PgSession& session, const std::string& table, const std::string& name) {
  const PgRows rows = session.query(
      "WITH RECURSIVE parts(id) AS (SELECT $1::pg_catalog.regclass::pg_catalog.oid UNION "
      "SELECT h.inhrelid FROM pg_catalog.pg_inherits h JOIN parts ON h.inhparent = parts.id) "
      "SELECT m.amname, pg_catalog.current_setting('hnsw.ef_search', true), "
      "pg_catalog.current_setting('hnsw.iterative_scan', true), "
      "pg_catalog.current_setting('ivfflat.probes', true), "
      "pg_catalog.current_setting('ivfflat.iterative_scan', true) FROM pg_catalog.pg_class c "
      "JOIN pg_catalog.pg_am m ON m.oid = c.relam JOIN pg_catalog.pg_index x "
      "ON x.indexrelid = c.oid WHERE x.indrelid IN (SELECT id FROM parts) "
      "AND pg_catalog.quote_ident(c.relname) = $2",
      {table, name});
  if (rows.size() == 0) return {};
  Index out{rows.text(0, 0), {}};
  if (out.method != "hnsw" && out.method != "ivfflat") return out;
  const bool hnsw = out.method == "hnsw";
  out.settings = fmt::format(", {} = {}", hnsw ? "hnsw.ef_search" : "ivfflat.probes",
                             rows.text(0, hnsw ? 1 : 3));
  const std::string iterative = rows.text(0, hnsw ? 2 : 4);
  if (!iterative.empty() && iterative != "off")
    out.settings += fmt::format(", {}.iterative_scan = {}", out.method, iterative);
  return out;
}

/// Only these give rows by their distance.
bool searches(const Index& index) {
  return index.method == "hnsw" || index.method == "ivfflat" || index.method == "vectors";
}

/// "index a (hnsw)", "index a and 3 of other partitions (hnsw)".
std::string named(const std::string& name, size_t others, const Index& index) {
  const std::string more = others == 0 ? "" : fmt::format(" and {} of other partitions", others);
  return fmt::format("index {}{}{}", name, more,
                     index.method.empty() ? "" : fmt::format(" ({})", index.method));
}

}  // namespace

std::string how_searched(PgSession& session, const std::string& table, const std::string& statement,
                         const PgParams& params) {
  const Scans scans = scans_of(session.query("EXPLAIN (COSTS OFF) " + statement, params));
  std::vector<std::string> filters = scans.chosen;
  std::string first;
  Index of_first;
  size_t others = 0;
  for (const std::string& name : scans.ordered) {
    const Index index = index_of(session, table, name);
    if (!searches(index)) {
      filters.push_back(name);
    } else if (first.empty()) {
      first = name, of_first = index;
    } else {
      ++others;
    }
  }
  if (!first.empty()) {
    const size_t compared = scans.whole + filters.size();
    return named(first, others, of_first) + of_first.settings +
           (compared == 0 ? ""
                          : fmt::format("; the rows of {} other partition{} are compared", compared,
                                        compared == 1 ? "" : "s"));
  }
  if (filters.empty() || scans.whole != 0) return "every row is compared: no index is used";
  return fmt::format("the rows that {} selects are compared",
                     named(filters[0], filters.size() - 1, index_of(session, table, filters[0])));
}

}  // namespace lugger
