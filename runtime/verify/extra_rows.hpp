// Deletes rows of the target that no document makes.
#pragma once
#include "verify/comparing.hpp"

namespace lugger {

/// Why extra rows may not be deleted; "": they may. Either a part of the mapping could not be
/// bound, or there are so many that the user must ask for it with a second option. `deleted`: rows
/// of each table that this repair has already deleted; the limit applies to the whole repair.
std::string why_not_delete(VerifyContext& context, const WrongRows& wrong, const Verdict& verdict,
                           const RepairOptions& options, const std::vector<uint64_t>& deleted);
std::string delete_hint(const Verdict& verdict, const RepairOptions& options);

/// Deletes exactly the rows that were found wrong and, where such a row is a document's own, its
/// child rows. Uses one transaction, and deletes nothing if one of the rows has changed. Returns
/// the number of rows, by table.
std::vector<uint64_t> delete_extra_rows(VerifyContext& context, const WrongRows& wrong);

}  // namespace lugger
