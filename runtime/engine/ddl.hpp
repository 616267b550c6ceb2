// What a job that follows a collection does about what is done to it as a whole.
#pragma once
#include <string>

#include "place/ddl.hpp"
#include "place/source.hpp"

namespace lugger {

struct DdlOutcome {
  bool clears = false;   // the rows of the job's tables are deleted
  bool follows = false;  // the job goes on under the new name
  std::string done;      // for the ledger and for whoever reads along
};

/// By the job's policies. Error{read}, saying what to do, where it is to stop, and where what should
/// be applied cannot be.
DdlOutcome settle_ddl(const Ddl& ddl, const DdlPolicies& policies);

/// Nothing of the kind can be applied while the collection is copied.
[[noreturn]] void refuse_ddl_in_copy(const Ddl& ddl);

/// What was copied is of a collection that is dropped, renamed or made anew before it is settled.
[[noreturn]] void refuse_gone_in_copy(const SourceInfo& source);

/// "stop: drop, rename; warn: create": for a plan.
std::string policies_text(const DdlPolicies& policies);

}  // namespace lugger
