// Protects against objects in the search_path that could replace PostgreSQL's own.
#pragma once
#include "postgres/session.hpp"

namespace lugger {

/// Error{config} when the session would find an operator owned by an untrusted role: an operator
/// that matches the operand types better than PostgreSQL's own of the same name would run with this
/// session's privileges. IS DISTINCT FROM does not allow a schema for its operator, and operators
/// of users' types must be found. Returns a search_path that begins with pg_catalog and holds the
/// schema of the extension vector; "": it already does.
std::string path_without_strangers(PgSession& session);

}  // namespace lugger
