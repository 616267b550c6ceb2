// A text as psql reads it: SQL, the data of COPY ... FROM stdin, psql's own commands. What the
// grammar is given of it has the same length, so that every offset means the same in both.
#pragma once
#include <string>
#include <vector>

#include "sql/sql_span.hpp"

namespace lugger {

/// Lines behind `COPY ... FROM stdin;`, without the line `\.` that ends them.
struct CopyData {
  size_t statement_end = 0;  // of the semicolon
  SqlSpan data;
};

/// What no server can be given, and why.
struct SqlProblem {
  size_t offset = 0;
  std::string what, hint;
};

struct SqlSource {
  /// The data of COPY and \restrict are blanks, and so are rows of constants in INSERT ... VALUES but
  /// for the last: megabytes of them tell no more. Literals such as 1_000 and 0x1F, which PostgreSQL
  /// has from version 16 on, are what an older grammar takes.
  std::string text;
  std::vector<CopyData> copies;
  std::vector<size_t> comments;  // where each begins
  std::vector<SqlProblem> problems;
  /// Between semicolons outside brackets, quotes, comments and BEGIN ATOMIC ... END.
  std::vector<SqlSpan> pieces;
};

SqlSource read_sql_source(const std::string& sql);

}  // namespace lugger
