// The keys that a live verification has seen, in a temporary table.
#pragma once
#include <memory>
#include <string>

#include "place/seen_keys.hpp"
#include "postgres/compared.hpp"

namespace lugger {

/// Error{config} for tables whose rows do not tell when they were written.
std::unique_ptr<SeenKeys> make_pg_seen_keys(const std::string& url, bool pooled,
                                            const PgComparedTables& tables);

}  // namespace lugger
