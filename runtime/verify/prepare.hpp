// Before anything is read: places, tables, the run that loaded them, the sample.
#pragma once
#include "verify/comparing.hpp"

namespace lugger {

/// Fills context and the verdict's facts. Error{config} for a target that is no database, for
/// options that cannot be; Error{verify} for tables that cannot be read.
void prepare_verification(VerifyContext& context, Verdict& verdict);

/// Keeps the outcome, and the window that it closed, as a run of its own: "JOB (verify)". A role
/// that may not write the ledger goes without.
void record_verification(VerifyContext& context, const Verdict& verdict);

}  // namespace lugger
