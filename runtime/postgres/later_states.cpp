#include "postgres/later_states.hpp"

#include <algorithm>

#include "plan/plan.hpp"

namespace lugger {

static std::string key_text(const PgLoad& load, size_t rows_of, size_t table, const Value* row) {
  const PgTableLayout& layout = load.tables[rows_of];
  std::string out = std::to_string(table);
  for (const size_t field : layout.key) {
    const size_t slot = layout.fields[field].slot;
    const std::string part =
        coerced_text(row[slot], load.plan.tables()[rows_of].columns[slot].type);
    out += fmt::format(",{}:{}", part.size(), part);
  }
  return out;
}

/// What is deleted has its key alone, as a row of the first table, and is gone from each.
template <typename Use>
void LaterStates::each_key(size_t first, size_t last, Use&& use) const {
  for (size_t t = 0; t < load_.tables.size() && load_.tables[t].own; ++t) {
    unit_.each_row(t, first, last, [&](const Value* row, size_t document) {
      use(key_text(load_, t, t, row), document, false);
    });
    unit_.each_deleted(first, last, [&](const Value* row, size_t document) {
      use(key_text(load_, 0, t, row), document, true);
    });
  }
}

LaterStates::LaterStates(const PgLoad& load, const UnitDocuments& unit, size_t first)
    : load_(load), unit_(unit) {
  const bool newer = load.plan.mapping().on_conflict == OnConflict::kNewer;
  each_key(first, unit.size(), [&](std::string key, size_t document, bool deleted) {
    if (newer && !deleted) return;
    size_t& last = last_[std::move(key)];
    last = std::max(last, document);
  });
}

bool LaterStates::has(size_t document) const {
  bool any = false, all = true;
  each_key(document, document + 1, [&](const std::string& key, size_t, bool) {
    const auto found = last_.find(key);
    any = true;
    all = all && found != last_.end() && found->second > document;
  });
  return any && all;
}

}  // namespace lugger
