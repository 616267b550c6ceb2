// Turns the errors of PostgreSQL and libpq into Error: the code from the SQLSTATE, and a hint for
// common cases.
#pragma once
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "postgres/session.hpp"

struct pg_result;

namespace lugger {

/// The fields of one server error. Empty sqlstate: the error is from libpq (the connection broke).
struct PgDiagnostics {
  std::string sqlstate, message, detail, hint, context, constraint, column, table, position;
};

PgDiagnostics diagnostics_of(const pg_result* result);

Code code_of_sqlstate(std::string_view sqlstate) noexcept;
/// A hint about what to do next; empty when there is none better than the message.
std::string hint_of_sqlstate(std::string_view sqlstate);

/// `alive` false: the connection is lost, which matters more than the server's last message.
Error pg_error(const PgDiagnostics& diagnostics, bool alive);

/// Row, column and constraint, from the error's fields and from the last "COPY t, line N, column c"
/// of its context.
CopyRefusal copy_refusal_of(const PgDiagnostics& diagnostics);

/// The error for a failed connection attempt, from libpq's text: at that point libpq has no
/// SQLSTATE.
Error connect_error(std::string_view libpq_message, std::string_view masked_url,
                    bool needs_password, bool used_password);

}  // namespace lugger
