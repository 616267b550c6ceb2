#include "postgres/clear.hpp"

#include <algorithm>

namespace lugger {

void clear_tables(PgLoad& load, Tally& tally) try {
  // Deepest first: child rows need their parents.
  std::vector<const PgTableLayout*> tables;
  for (const PgTableLayout& table : load.tables) tables.push_back(&table);
  std::ranges::stable_sort(tables, std::greater(), &PgTableLayout::depth);
  for (const PgTableLayout* table : tables) {
    const uint64_t rows =
        load.session.query(fmt::format("DELETE FROM {}", table->table)).affected();
    if (!table->own) continue;
    tally.read += rows;
    tally.deleted += rows;
  }
} catch (const Error& error) {
  if (error.code() != Code::kConstraint) throw;
  throw Error(
      Code::kConstraint,
      fmt::format("the source was dropped or emptied, and its rows cannot be deleted: {}",
                  error.message()),
      "nothing was deleted. Delete what needs these rows, or say on_ddl = { drop = 'warn' } "
      "in the job, beside `from`; then go on with --accept-changes",
      error.sqlstate());
}

}  // namespace lugger
