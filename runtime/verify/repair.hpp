// The rows found wrong, written again from the source through the sink a load uses.
#pragma once
#include "verify/comparing.hpp"
#include "verify/verification.hpp"

namespace lugger {

/// Writes each wrong row as on_conflict = "update" would, children replaced as one with their
/// parent, one transaction a unit; a row that on_conflict = "newer" keeps stays. Deletes extra rows
/// when asked. Counted in the ledger as a run of its own, "JOB (repair)". False: nothing was
/// written, since options.apply is not set or there was nothing.
bool repair_rows(VerifyContext& context, const WrongRows& wrong, const Verdict& verdict,
                 const RepairOptions& options, RepairResult& result);

}  // namespace lugger
