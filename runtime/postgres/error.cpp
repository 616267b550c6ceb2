#include "postgres/error.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace lugger {
namespace {

struct StateRule {
  std::string_view prefix;
  Code code;
  std::string_view hint;
};

// The first matching prefix decides; so full SQLSTATEs come before their class.
constexpr std::array kRules = std::to_array<StateRule>({
    // pgbouncer's own errors, as when its connection to the server was lost, have this state, too.
    {"08P01", Code::kConnect,
     "run the same command again: it goes on after the last committed unit; if it ends like this "
     "each time, please report it"},
    {"08", Code::kConnect, "run the same command again: it goes on after the last committed unit"},
    {"0A000", Code::kConfig, ""},
    {"22P05", Code::kCoerce,
     "jsonb cannot hold \\u0000; map the field to json or text, or set nul = \"strip\""},
    {"22021", Code::kCoerce, "text cannot hold NUL bytes or invalid UTF-8"},
    {"22", Code::kCoerce, ""},
    {"23505", Code::kConstraint,
     "set on_conflict = \"skip\", \"update\" or \"newer\" to say what a duplicate means"},
    {"23502", Code::kConstraint, "map the column, give it a default, or allow NULL"},
    {"23503", Code::kConstraint,
     "load the referenced table first, or build the foreign key after the load"},
    {"23", Code::kConstraint, ""},
    {"25006", Code::kConfig,
     "the session is read-only: a standby, or a connection marked production (--yes lets it "
     "write)"},
    {"25P02", Code::kConfig, ""},
    {"28P01", Code::kAuth, "check user and password (PG_URI, ~/.pgpass)"},
    {"28", Code::kAuth, "check user and password, and the server's pg_hba.conf"},
    {"3D000", Code::kConfig, "create the database (createdb), or correct its name in the URL"},
    {"3F000", Code::kConfig, "create the schema, or correct its name"},
    {"40", Code::kConflict,
     "a conflict with another session (deadlock or serialization failure): run it again"},
    {"42501", Code::kAuth,
     "ask the owner of the object to grant the right, or connect as another role"},
    {"42P01", Code::kConfig,
     "create the table (--create makes it from the columns), or correct its name"},
    {"42703", Code::kConfig, "correct the column's name"},
    {"42", Code::kConfig, ""},
    {"53100", Code::kConfig,
     "the server's disk is full: make room, then run the same command again"},
    {"53200", Code::kConfig,
     "the server is out of memory: use fewer connections or smaller batches"},
    {"53300", Code::kConnect,
     "the server has no free connection: use fewer workers (-j), or raise max_connections"},
    {"53", Code::kConfig, ""},
    {"54", Code::kCoerce, "the value is larger or deeper than PostgreSQL takes"},
    {"55P03", Code::kTimeout, "another session holds a lock on the table"},
    {"55006", Code::kConflict, "another session uses the object"},
    {"57014", Code::kInterrupted, ""},
    {"57P01", Code::kConnect,
     "the server is going down: run the same command again when it is back"},
    {"57P02", Code::kConnect, "the server is recovering from a crash: run the same command again"},
    {"57P03", Code::kConnect, "the server is starting up: try again in a moment"},
    {"57P05", Code::kConnect, "the server ended an idle session: raise idle_session_timeout"},
    {"57", Code::kConnect, ""},
    {"58", Code::kConfig, "the server could not reach its files: see its log"},
});

const StateRule* rule_of(std::string_view sqlstate) noexcept {
  for (const StateRule& rule : kRules) {
    if (sqlstate.starts_with(rule.prefix)) return &rule;
  }
  return nullptr;
}

std::string field(const pg_result* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

/// libpq's messages have line breaks and indentation; ours are a single line.
std::string trimmed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

/// Binary COPY gives only the column; text and csv append `: "value"` or `: null input`.
std::string column_of(std::string_view text) {
  const bool with_value = text.ends_with('"') || text.ends_with(": null input");
  return std::string(with_value ? text.substr(0, text.find(": ")) : text);
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

PgDiagnostics diagnostics_of(const pg_result* result) {
  PgDiagnostics out;
  out.sqlstate = field(result, PG_DIAG_SQLSTATE);
  out.message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (out.message.empty()) out.message = trimmed(PQresultErrorMessage(result));
  out.detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  out.hint = field(result, PG_DIAG_MESSAGE_HINT);
  out.context = field(result, PG_DIAG_CONTEXT);
  out.constraint = field(result, PG_DIAG_CONSTRAINT_NAME);
  out.column = field(result, PG_DIAG_COLUMN_NAME);
  out.table = field(result, PG_DIAG_TABLE_NAME);
  out.position = field(result, PG_DIAG_STATEMENT_POSITION);
  return out;
}

Code code_of_sqlstate(std::string_view sqlstate) noexcept {
  const StateRule* rule = rule_of(sqlstate);
  return rule == nullptr ? Code::kRead : rule->code;
}

std::string hint_of_sqlstate(std::string_view sqlstate) {
  const StateRule* rule = rule_of(sqlstate);
  return rule == nullptr ? std::string() : std::string(rule->hint);
}

Error pg_error(const PgDiagnostics& diagnostics, bool alive) {
  Code code = code_of_sqlstate(diagnostics.sqlstate);
  std::string hint = hint_of_sqlstate(diagnostics.sqlstate);
  std::string message = "PostgreSQL: " + diagnostics.message;
  if (!diagnostics.detail.empty()) message += ": " + diagnostics.detail;
  if (diagnostics.sqlstate == "57014" && contains(diagnostics.message, "timeout"))
    code = Code::kTimeout;
  if (!alive && code != Code::kAuth) {
    code = Code::kConnect;
    message = "lost the connection to PostgreSQL";
    // libpqxx detects a dead connection in its own calls, and has its own message for it.
    if (!diagnostics.message.empty() && !contains(diagnostics.message, "not connected"))
      message += ": " + diagnostics.message;
    if (hint.empty()) hint = hint_of_sqlstate("08006");
  }
  // For a wrong statement the server has the better hint: "Perhaps you meant to reference ...".
  const bool statement = diagnostics.sqlstate.starts_with("42");
  if (hint.empty() || (statement && !diagnostics.hint.empty())) hint = diagnostics.hint;
  Error error(code, std::move(message), std::move(hint), diagnostics.sqlstate);
  if (!diagnostics.table.empty()) error.note("table", diagnostics.table);
  if (!diagnostics.column.empty()) error.note("column", diagnostics.column);
  if (!diagnostics.constraint.empty()) error.note("constraint", diagnostics.constraint);
  return error;
}

CopyRefusal copy_refusal_of(const PgDiagnostics& diagnostics) {
  CopyRefusal out{0,
                  diagnostics.column,
                  diagnostics.constraint,
                  diagnostics.sqlstate,
                  diagnostics.message,
                  diagnostics.detail};
  constexpr std::string_view kLine = ", line ", kColumn = ", column ";
  std::string_view context = diagnostics.context;
  // The COPY line is the last. jsonb adds a "JSON data, line 1: ..." before it, a trigger its own
  // lines.
  for (size_t at = context.rfind("COPY "); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : context.rfind("COPY ", at - 1)) {
    if (at != 0 && context[at - 1] != '\n') continue;
    std::string_view line = context.substr(at, context.find('\n', at) - at);
    const size_t number = line.rfind(kLine);
    if (number == std::string_view::npos) continue;
    line.remove_prefix(number + kLine.size());
    const auto parsed = std::from_chars(line.data(), line.data() + line.size(), out.row);
    line.remove_prefix(static_cast<size_t>(parsed.ptr - line.data()));
    if (line.starts_with(kColumn)) out.column = column_of(line.substr(kColumn.size()));
    break;
  }
  return out;
}

Error connect_error(std::string_view libpq_message, std::string_view masked_url,
                    bool needs_password, bool used_password) {
  struct Rule {
    std::string_view part;
    std::string_view sqlstate, hint;
  };
  static constexpr Rule kTexts[] = {
      {"password authentication failed", "28P01", ""},
      {"no password supplied", "28P01", "give the password in PG_URI or ~/.pgpass"},
      {"no pg_hba.conf entry", "28000",
       "the server's pg_hba.conf does not let this host, user and database in"},
      {"authentication failed", "28000", ""},
      {"too many clients", "53300", ""},
      {"remaining connection slots", "53300", ""},
      {"too many connections for", "53300", ""},
      {"starting up", "57P03", ""},
      {"shutting down", "57P01", ""},
      {"permission denied for database", "42501", ""},
      {"Connection refused", "08001", "is the server running, and are host and port right?"},
      {"No such file or directory", "08001",
       "no server listens on that socket: is it running, and is the host right?"},
      {"could not translate host name", "08001", "check the host name"},
      {"timeout expired", "08001",
       "the host does not answer: check host, port and firewall, or raise connect_timeout"},
      {"does not support SSL", "08001",
       "the server has no TLS: say sslmode=disable in the URL if the network is trusted"},
      {"certificate", "08001",
       "the server's certificate is not trusted: name its authority with sslrootcert=FILE, or set "
       "sslmode in the URL"},
  };
  std::string sqlstate = "08001", hint;
  const bool missing = contains(libpq_message, "does not exist");
  if (missing && contains(libpq_message, "database \"")) sqlstate = "3D000";
  if (missing && contains(libpq_message, "role \""))
    sqlstate = "28000", hint = "create the role, or correct the user";
  for (const Rule& rule : kTexts) {
    if (missing || !contains(libpq_message, rule.part)) continue;
    sqlstate = rule.sqlstate;
    hint = rule.hint;
    break;
  }
  if (sqlstate == "08001" && (needs_password || used_password) && hint.empty()) sqlstate = "28P01";
  if (hint.empty() && sqlstate != "08001") hint = hint_of_sqlstate(sqlstate);
  std::string text = trimmed(libpq_message);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return Error(code_of_sqlstate(sqlstate),
               fmt::format("cannot connect to {}: {}", masked_url, text), std::move(hint),
               sqlstate);
}

}  // namespace lugger
