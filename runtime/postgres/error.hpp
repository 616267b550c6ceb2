// What PostgreSQL and libpq say when something fails, turned into Error: code by SQLSTATE, a hint
// for the common cases.
#pragma once
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "postgres/session.hpp"

struct pg_result;

namespace lugger {

/// The fields of one server error. Empty sqlstate: the error is libpq's own (the connection broke).
struct PgDiagnostics {
  std::string sqlstate, message, detail, hint, context, constraint, column, table, position;
};

PgDiagnostics diagnostics_of(const pg_result* result);

Code code_of_sqlstate(std::string_view sqlstate) noexcept;
/// What to do next; empty when there is no better advice than the message.
std::string hint_of_sqlstate(std::string_view sqlstate);

/// `alive` false: the connection is gone, which outranks whatever the server said last.
Error pg_error(const PgDiagnostics& diagnostics, bool alive);

/// Row, column and constraint, from the fields and the last "COPY t, line N, column c" of the
/// context.
CopyRefusal copy_refusal_of(const PgDiagnostics& diagnostics);

/// Why a connection could not be made, from libpq's text: at that moment libpq keeps no SQLSTATE.
Error connect_error(std::string_view libpq_message, std::string_view masked_url,
                    bool needs_password, bool used_password);

}  // namespace lugger
