// The end of a load, once all rows are in: duplicates, keys, sequences, statistics.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "place/target.hpp"
#include "plan/plan.hpp"
#include "plan/tally.hpp"
#include "postgres/session.hpp"

namespace lugger {

using PgConnect = std::function<std::shared_ptr<PgSession>()>;

/// Each step looks first whether it is done, so that an interrupted finish is simply run again.
/// Only tables that lugger made (their comment says so until the end) get keys; their indexes are
/// built by up to `work.connections` sessions at once. Returns a line for each step that was done.
/// Corrects `tally` by the documents that duplicates took out.
std::vector<std::string> finish_pg(const PgConnect& connect, const FinishWork& work,
                                   const std::string& state_schema, const PlanShape& plan,
                                   Tally& tally);

}  // namespace lugger
