// A statement that the server runs while this process does something else, or is gone.
#pragma once
#include <string>

#include "postgres/session.hpp"

namespace lugger {

/// Sends the statement and does not wait for its answer: the server runs it to its end, also when
/// this process has died. Of the session nothing but cancel() and its end is to be expected then.
/// Error{connect} when it could not be sent.
void pg_leave(PgSession& session, const std::string& sql);

}  // namespace lugger
