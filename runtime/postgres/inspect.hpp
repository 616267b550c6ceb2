// A plan held against a database: what is missing, what cannot work, and which way of loading the
// tables allow.
#pragma once
#include "place/target.hpp"
#include "postgres/session.hpp"

namespace lugger {

struct InspectFor {
  bool create = false;  // missing tables may be made
  bool again = true;    // the source can be read a second time
  std::string writer;   // "copy" or "statement", as the user chose
};

TargetReport inspect_pg(PgSession& session, const PlanShape& plan, const InspectFor& load);

}  // namespace lugger
