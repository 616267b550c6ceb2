// Quotes names and strings for SQL.
#include "base/error.hpp"
#include "postgres/session.hpp"

namespace lugger {
namespace {

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  out += quote;
  return out;
}

}  // namespace

std::string PgSession::quote_name(std::string_view name) {
  if (name.empty() || name.find('\0') != std::string_view::npos)
    raise(Code::kConfig, "a name must not be empty");
  return quoted(name, '"');
}

std::string PgSession::quote_table(std::string_view qualified) {
  const size_t dot = qualified.find('.');
  if (dot == std::string_view::npos) return quote_name(qualified);
  return quote_name(qualified.substr(0, dot)) + "." + quote_name(qualified.substr(dot + 1));
}

std::string PgSession::quote_literal(std::string_view text) {
  if (text.find('\0') != std::string_view::npos)
    raise(Code::kCoerce, "a literal must not hold a NUL byte");
  // E'' for any text with a backslash: correct with either setting of standard_conforming_strings.
  if (text.find('\\') == std::string_view::npos) return quoted(text, '\'');
  std::string out = " E'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + "'";
}

}  // namespace lugger
