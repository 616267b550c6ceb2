// Prepares a verification before anything is read: places, tables, the run that loaded them, the
// sample.
#pragma once
#include "verify/comparing.hpp"

namespace lugger {

/// Fills the context and the facts of the verdict. Error{config} for a target that is no database
/// or for invalid options; Error{verify} for tables that cannot be read.
void prepare_verification(VerifyContext& context, Verdict& verdict);

/// Records the result, and the time window that was verified, as a run "JOB (verify)". Does nothing
/// when the role may not write the ledger.
void record_verification(VerifyContext& context, const Verdict& verdict);

}  // namespace lugger
