// Connection strings as libpq takes them apart.
#pragma once
#include <optional>
#include <string>

namespace lugger {

/// A URL or connection string of PostgreSQL that holds a secret, printed from the fields that libpq
/// finds in it, with *** for each secret. nullopt: libpq cannot read it or finds no secret in it, or
/// what it takes for a host, a port or a database may be the rest of a password.
std::optional<std::string> shown_by_fields(const std::string& place);

}  // namespace lugger
