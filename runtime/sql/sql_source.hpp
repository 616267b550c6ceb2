// A text as psql reads it: SQL, the data of COPY ... FROM stdin, psql's own commands. The text
// passed to the grammar has the same length, so that offsets are the same in both.
#pragma once
#include <string>
#include <vector>

#include "sql/sql_span.hpp"

namespace lugger {

/// The lines after `COPY ... FROM stdin;`, without the final line `\.`.
struct CopyData {
  size_t statement_end = 0;  // of the semicolon
  SqlSpan data;
};

/// Text that no server accepts, and the reason.
struct SqlProblem {
  size_t offset = 0;
  std::string what, hint;
};

struct SqlSource {
  /// Data of COPY and \restrict are replaced by blanks. So are rows of constants in INSERT ...
  /// VALUES, except the last, because megabytes of them add nothing. Literals such as 1_000 and
  /// 0x1F, which PostgreSQL has since version 16, are rewritten for an older grammar.
  std::string text;
  std::vector<CopyData> copies;
  std::vector<size_t> comments;  // where each begins
  std::vector<SqlProblem> problems;
  /// Between semicolons outside brackets, quotes, comments and BEGIN ATOMIC ... END.
  std::vector<SqlSpan> pieces;
};

SqlSource read_sql_source(const std::string& sql);

}  // namespace lugger
