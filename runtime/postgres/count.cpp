// Counts documents by outcome.
#include <algorithm>

#include "postgres/loader.hpp"

namespace lugger {

OwnRows count_own_rows(PgLoad& load, const UnitDocuments& unit, size_t first, size_t last) {
  OwnRows out;
  std::vector<uint8_t>& marks = load.marks;
  marks.assign(last - first, 0);
  for (size_t t = 0; t < load.tables.size() && load.tables[t].own; ++t) {
    unit.each_row(t, first, last, [&](const Value*, size_t number) { marks[number - first] = 1; });
  }
  for (size_t i = first; i < last; ++i) {
    if (!unit.loads(i)) continue;
    if (!unit.counted_elsewhere(i)) {
      ++(marks[i - first] != 0 ? out.with : out.without);
    } else if (marks[i - first] != 0) {
      ++out.elsewhere;
    }
  }
  return out;
}

bool tells_outcomes(const PgLoad& load) {
  if (load.tables[0].key.empty()) return false;
  const auto is_guarded = [](const PgTableLayout& table) { return table.guarded; };
  const auto has_rules = [](const PgTableLayout& table) { return table.rules; };
  if (load.plan.mapping().on_conflict != OnConflict::kError) return true;
  // A table with rules does not allow a data-modifying WITH.
  return std::any_of(load.tables.begin(), load.tables.end(), is_guarded) &&
         std::none_of(load.tables.begin(), load.tables.end(), has_rules);
}

void count_insert(uint64_t documents, uint64_t kept_out, Tally& tally) {
  const uint64_t suppressed = std::min(documents, kept_out);
  tally.suppressed += suppressed;
  tally.inserted += documents - suppressed;
}

void count_outcome(Outcome outcome, uint64_t documents, Tally& tally) {
  switch (outcome) {
    case Outcome::kSuppressed: tally.suppressed += documents; break;
    case Outcome::kInserted: tally.inserted += documents; break;
    case Outcome::kUpdated: tally.updated += documents; break;
    case Outcome::kSkipped: tally.skipped += documents; break;
    case Outcome::kUnchanged:
    case Outcome::kUnsure: tally.unchanged += documents; break;
  }
}

PgRows rehearse(PgSession& session, const std::string& sql, const PgParams& params) {
  session.execute("SAVEPOINT lugger_rehearsal");
  PgRows taken = session.query(sql, params);
  session.execute("ROLLBACK TO SAVEPOINT lugger_rehearsal; RELEASE SAVEPOINT lugger_rehearsal");
  return taken;
}

Outcome of_taken(OnConflict policy) noexcept {
  return policy == OnConflict::kNewer ? Outcome::kSkipped : Outcome::kUnchanged;
}

Outcome of_other_children(OnConflict policy) noexcept {
  return policy == OnConflict::kUpdate ? Outcome::kUpdated : Outcome::kSkipped;
}

PgRows query_children(PgSession& session, const PgTableLayout& child, const std::string& sql,
                      const PgParams& params) {
  if (child.found_by_root) return session.query(sql, params);
  session.execute("SET LOCAL enable_nestloop = off");
  PgRows rows = session.query(sql, params);
  session.execute("SET LOCAL enable_nestloop = DEFAULT");
  return rows;
}

int number_or(const PgRows& rows, int otherwise) {
  const std::string text = rows.text(0, 0);
  return text.empty() ? otherwise : std::stoi(text);
}

}  // namespace lugger
