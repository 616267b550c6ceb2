// Rows of one key that a direct load let in, brought into the order of the source before the key is
// made.
#pragma once
#include <string>
#include <vector>

#include "place/target.hpp"
#include "plan/plan.hpp"
#include "plan/tally.hpp"
#include "postgres/session.hpp"

namespace lugger {

/// COPY fills free space of earlier pages, and several workers load at once: where a row lies says
/// nothing about which came first. So all rows of keys that stand more than once are taken out,
/// with their child rows; the keys are made (`keys`: their statements); and the source is read once
/// more, in the order of partition and position, to merge exactly those rows by on_conflict. One
/// transaction, ledger included. on_conflict = error: Error{conflict} that names the keys.
/// Corrects the tally. Returns the number of rows of the documents' own tables that were taken out;
/// 0: no key stands more than once, and nothing was done.
uint64_t settle_duplicates(PgSession& session, const PlanShape& plan, const FinishWork& work,
                           const std::string& state_schema, const std::vector<std::string>& keys,
                           Tally& tally);

}  // namespace lugger
