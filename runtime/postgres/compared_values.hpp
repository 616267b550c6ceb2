// The source's values as the columns of compared tables keep them.
#pragma once
#include "postgres/compared.hpp"

namespace lugger {

/// By a session of its own where the server is asked. Null: all values are as the plan makes them.
std::unique_ptr<TargetValues> make_pg_values(const std::string& url, bool pooled,
                                             const PgComparedTables& tables);

}  // namespace lugger
