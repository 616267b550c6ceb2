// Turns the source's values into what the columns of compared tables store.
#pragma once
#include "postgres/compared.hpp"

namespace lugger {

/// Uses a session of its own when the server must be asked. Null: all values stay as the plan makes
/// them.
std::unique_ptr<TargetValues> make_pg_values(const std::string& url, bool pooled,
                                             const PgComparedTables& tables);

}  // namespace lugger
