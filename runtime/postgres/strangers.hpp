// Operators that stand in for PostgreSQL's own.
#pragma once
#include "postgres/session.hpp"

namespace lugger {

/// Error{config} where the session would find an operator of a role that nobody trusted: one that
/// fits operands better than PostgreSQL's own of that name would run with this session's rights.
/// Operators have no schema in IS DISTINCT FROM, and those of users' types are meant to be found.
/// `url`: looked at once a process.
void refuse_strange_operators(PgSession& session, const std::string& url);

}  // namespace lugger
