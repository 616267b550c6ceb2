// Repairs tables whose changes are applied, by those who apply them.
#pragma once
#include "verify/live.hpp"
#include "verify/verification.hpp"

namespace lugger {

/// Hands the keys of wrong rows to the run that follows the job, and waits until it has looked them
/// up and applied what it found, in order with its own changes: nobody else writes. Extra rows only
/// when asked to. False: nothing was handed over.
bool ask_for_repair(VerifyContext& context, const LiveWrong& wrong, const Verdict& verdict,
                    const RepairOptions& options, RepairResult& result);

}  // namespace lugger
