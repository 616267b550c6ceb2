// SQL text as PostgreSQL's own grammar reads it (libpg_query): statements, syntax trees, tokens.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lugger {

struct SqlSpan {
  size_t offset = 0, length = 0;
};

/// The statements of a text, without the comments and blanks around them. Text that the grammar
/// does not know is split by its tokens; Error{parse} when it has no tokens either (a quote that is
/// not closed). An error's note "position" counts characters from 1.
std::vector<SqlSpan> split_sql(const std::string& sql);

/// The syntax tree as JSON: {"version": 150001, "stmts": [{"stmt": {...}}]}. Error{parse} as above.
std::string sql_tree(const std::string& sql);

enum class SqlTokenKind : uint8_t { kName, kQuotedName, kKeyword, kText, kComment, kOther };
std::string_view token_kind_name(SqlTokenKind kind) noexcept;

struct SqlToken {
  SqlSpan span;
  SqlTokenKind kind = SqlTokenKind::kOther;
};

std::vector<SqlToken> sql_tokens(const std::string& sql);

/// The major version of the grammar: 15.
int sql_grammar() noexcept;

}  // namespace lugger
