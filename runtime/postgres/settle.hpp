// Settles duplicate keys that a direct load let in, in the order of the source, before the key is
// made.
#pragma once
#include <string>
#include <vector>

#include "place/target.hpp"
#include "plan/plan.hpp"
#include "plan/tally.hpp"
#include "postgres/session.hpp"

namespace lugger {

struct SettledTable {
  std::string name;
  uint64_t rows = 0;
};

/// The place of a row does not say which came first: COPY fills free space in earlier pages, and
/// several workers load at once. So this takes out all rows of keys that occur more than once, with
/// their child rows; makes the keys (`keys`: their statements); and reads the source again, in
/// order of partition and position, to merge exactly those rows by on_conflict. All in one
/// transaction, with the ledger. on_conflict = error: throws Error{conflict} that names the keys.
/// Corrects the tally. Returns how many rows were taken out of which of the documents' own tables;
/// none: no key occurs more than once, and nothing was done.
std::vector<SettledTable> settle_duplicates(PgSession& session, const PlanShape& plan,
                                            const FinishWork& work, const std::string& state_schema,
                                            const std::vector<std::string>& keys, Tally& tally);

}  // namespace lugger
