// A plan held against a database: what is missing, what cannot work, and which way of loading the
// tables allow.
#pragma once
#include "net/pg_session.hpp"
#include "sink/sink.hpp"

namespace lugger {

/// `writer`: "copy" or "statement", as the user chose.
TargetReport inspect_pg(PgSession& session, const PlanShape& plan, bool create,
                        const std::string& writer);

}  // namespace lugger
