// Rows of the target that no document makes, deleted.
#pragma once
#include "verify/comparing.hpp"

namespace lugger {

/// "": they may be deleted. Otherwise why not: something of the mapping could not be bound, or they
/// are too many to be deleted without being asked for twice. `deleted`: what this repair has
/// deleted before, of each table; a repair as a whole keeps to the share.
std::string why_not_delete(VerifyContext& context, const WrongRows& wrong, const Verdict& verdict,
                           const RepairOptions& options, const std::vector<uint64_t>& deleted);
std::string delete_hint(const Verdict& verdict);

/// Exactly the rows that were found wrong, and the child rows of those among them that are a
/// document's own: in one transaction, and none that has changed since. Gives their number, of
/// each table.
std::vector<uint64_t> delete_extra_rows(VerifyContext& context, const WrongRows& wrong);

}  // namespace lugger
