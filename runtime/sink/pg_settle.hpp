// Duplicates that a direct load let in, settled by on_conflict before the key is made.
#pragma once
#include <string>

#include "net/pg_session.hpp"
#include "plan/plan.hpp"
#include "plan/tally.hpp"

namespace lugger {

/// Keeps one row a key of an own table: the first in the table (skip), the last (update), the
/// newest (newer), and of the child rows those that came in the transaction of the row that stays;
/// counts the others. on_conflict = error: Error{conflict} that names the keys. Runs in the open
/// transaction. Returns the number of rows taken out of the table.
uint64_t settle_duplicates(PgSession& session, const PlanShape& plan, size_t table, Tally& tally);

}  // namespace lugger
