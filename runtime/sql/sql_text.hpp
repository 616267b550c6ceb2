// SQL text as PostgreSQL's own grammar reads it (libpg_query): statements, syntax trees, tokens.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sql/sql_span.hpp"

namespace lugger {

struct SqlStatement {
  SqlSpan span;
  std::optional<SqlSpan> data;  // of COPY ... FROM stdin, on the lines behind it
  /// Not empty: this is not a statement in any version (an unclosed quote, a command of psql), with
  /// the reason.
  std::string problem, hint;
};

/// The statements of a text as psql separates them, without comments and blanks around them. Text
/// that the grammar does not know is split by its tokens. Text without tokens does not affect the
/// rest.
std::vector<SqlStatement> read_statements(const std::string& sql);

/// The same; Error{parse} for the first that has a problem. An error's note "position" counts
/// characters from 1.
std::vector<SqlStatement> split_sql(const std::string& sql);

/// The syntax tree as JSON: {"version": 150001, "stmts": [{"stmt": {...}}]}. Error{parse} as above.
/// Also reads literals that are newer than the grammar (1_000, 0x1F).
std::string sql_tree(const std::string& sql);

enum class SqlTokenKind : uint8_t { kName, kQuotedName, kKeyword, kText, kComment, kOther };
std::string_view token_kind_name(SqlTokenKind kind) noexcept;

struct SqlToken {
  SqlSpan span;
  SqlTokenKind kind = SqlTokenKind::kOther;
};

std::vector<SqlToken> sql_tokens(const std::string& sql);

/// Where the comments of a text begin.
std::vector<size_t> sql_comments(const std::string& sql);

/// The major version of the grammar: 15.
int sql_grammar() noexcept;

}  // namespace lugger
