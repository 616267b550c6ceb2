// What the server takes for the parameters of a statement.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "postgres/session.hpp"

namespace lugger {

/// The OIDs of the types of $1, $2, ... Nothing is run. Parse and describe go in one round trip,
/// which a pooler in transaction mode hands to one server. Error as pg_fetch throws it.
std::vector<uint32_t> pg_parameter_types(PgSession& session, const std::string& sql);

}  // namespace lugger
