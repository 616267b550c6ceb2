// The documents of a unit that were deleted, as a relation that statements join: "gone" (doc, the key's
// columns as staged).
#pragma once
#include <set>
#include <string>

#include "postgres/loader.hpp"

namespace lugger {

struct Gone {
  PgParams params;
  std::string with;                     // "WITH gone AS (...) "
  uint64_t documents = 0, skipped = 0;  // skipped: of these, by a hook
};

/// Of the documents in [first, last), but not those.
Gone collect_gone(const PgLoad& load, const UnitDocuments& unit, size_t first, size_t last,
                  const std::set<int64_t>& but = {});
/// The documents that the statement of each own table gives back.
template <typename Sql>
std::set<int64_t> documents_of_gone(PgLoad& load, const Gone& gone, Sql&& sql) {
  std::set<int64_t> out;
  for (size_t t = 0; t < load.tables.size() && load.tables[t].own; ++t) {
    const PgRows rows = load.session.query(gone.with + sql(t), gone.params);
    for (size_t i = 0; i < rows.size(); ++i) out.insert(std::stoll(rows.text(i, 0)));
  }
  return out;
}

}  // namespace lugger
