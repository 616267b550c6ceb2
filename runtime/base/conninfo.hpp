// Connection strings, split into fields as libpq does.
#pragma once
#include <optional>
#include <string>

namespace lugger {

/// Prints a URL or connection string of PostgreSQL that contains a secret, with *** for each
/// secret. nullopt: libpq cannot parse it or finds no secret in it, or a host, port or database in
/// it may be the rest of a password.
std::optional<std::string> shown_by_fields(const std::string& place);

}  // namespace lugger
