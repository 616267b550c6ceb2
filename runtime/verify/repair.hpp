// Writes rows that were found wrong again from the source, through the same sink as a load.
#pragma once
#include "verify/comparing.hpp"
#include "verify/verification.hpp"

namespace lugger {

/// Writes each wrong row as on_conflict = "update" would; a row and its children are replaced
/// together, in one transaction for each unit. Rows that on_conflict = "newer" keeps are not
/// changed. Deletes extra rows when asked to. Recorded as a run "JOB (repair)". False: nothing was
/// written, because options.apply is not set or nothing is wrong.
bool repair_rows(VerifyContext& context, const WrongRows& wrong, const Verdict& verdict,
                 const RepairOptions& options, RepairResult& result);

}  // namespace lugger
