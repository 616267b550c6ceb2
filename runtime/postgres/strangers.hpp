// What a session's search_path lets others put in the place of PostgreSQL's own names.
#pragma once
#include "postgres/session.hpp"

namespace lugger {

/// Error{config} where the session would find an operator of a role that nobody trusted: one that
/// fits operands better than PostgreSQL's own of that name would run with this session's rights.
/// Operators have no schema in IS DISTINCT FROM, and those of users' types are meant to be found.
/// Gives the search_path that has pg_catalog in front; "": it has.
std::string path_without_strangers(PgSession& session);

}  // namespace lugger
