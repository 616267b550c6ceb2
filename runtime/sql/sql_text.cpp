#include "sql/sql_text.hpp"

#include <pg_query.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"
#include "sql/sql_source.hpp"

namespace lugger {
namespace {

/// A result of libpg_query, freed at the end of the scope.
template <typename Result>
class Owned {
 public:
  using Free = void (*)(Result);
  Owned(Result result, Free free) : result_(result), free_(free) {}
  ~Owned() { free_(result_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  const Result* operator->() const noexcept { return &result_; }
  const Result& operator*() const noexcept { return result_; }

 private:
  Result result_;
  Free free_;
};

[[noreturn]] void fail(const PgQueryError& error) {
  throw Error(Code::kParse, error.message == nullptr ? "not SQL" : error.message)
      .note("position", std::to_string(error.cursorpos));
}

void refuse_nul(const std::string& sql) {
  // The grammar takes C strings, and would read the text only up to a NUL.
  if (sql.find('\0') != std::string::npos) raise(Code::kParse, "SQL text holds a NUL byte");
}

/// Varints and length-delimited fields are all that a scan result holds.
class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}
  bool next() {
    if (rest_.empty()) return false;
    const uint64_t key = varint();
    number_ = key >> 3U;
    const bool nested = (key & 7U) == 2;
    value_ = varint();
    nested_ = nested ? rest_.substr(0, value_) : std::string_view();
    if (nested) rest_.remove_prefix(nested_.size());
    return true;
  }
  uint64_t number() const noexcept { return number_; }
  uint64_t value() const noexcept { return value_; }
  std::string_view nested() const noexcept { return nested_; }

 private:
  uint64_t varint() noexcept {
    uint64_t out = 0;
    for (unsigned shift = 0; !rest_.empty() && shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      out |= static_cast<uint64_t>(byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) break;
    }
    return out;
  }
  std::string_view rest_, nested_;
  uint64_t number_ = 0, value_ = 0;
};

/// $1, and not $$text$$.
bool is_parameter(std::string_view text) noexcept {
  return text.size() > 1 && text[1] >= '0' && text[1] <= '9';
}

SqlTokenKind kind_of(std::string_view text, bool keyword) noexcept {
  if (text.starts_with("--") || text.starts_with("/*")) return SqlTokenKind::kComment;
  if (keyword) return SqlTokenKind::kKeyword;
  if (text.starts_with('"') || text.starts_with("U&\"") || text.starts_with("u&\""))
    return SqlTokenKind::kQuotedName;
  if (text.find('\'') != std::string_view::npos || (text.starts_with('$') && !is_parameter(text)))
    return SqlTokenKind::kText;
  const auto first = static_cast<unsigned char>(text.empty() ? '\0' : text.front());
  const bool letter = (first | 0x20U) >= 'a' && (first | 0x20U) <= 'z';
  return letter || first == '_' || first >= 0x80 ? SqlTokenKind::kName : SqlTokenKind::kOther;
}

SqlToken read_token(const std::string& sql, std::string_view bytes) {
  size_t begin = 0, end = 0;
  bool keyword = false;
  for (Fields fields(bytes); fields.next();) {
    if (fields.number() == 1) begin = fields.value();
    if (fields.number() == 2) end = fields.value();
    if (fields.number() == 5) keyword = fields.value() != 0;
  }
  begin = std::min(begin, sql.size());
  end = std::min(std::max(begin, end), sql.size());
  const SqlSpan span{begin, end - begin};
  return {span, kind_of(std::string_view(sql).substr(begin, span.length), keyword)};
}

std::vector<SqlSpan> spans_of(const PgQuerySplitResult& result, size_t size) {
  std::vector<SqlSpan> out;
  for (int i = 0; i < result.n_stmts; ++i) {
    const PgQuerySplitStmt& statement = *result.stmts[i];
    const auto offset = static_cast<size_t>(statement.stmt_location);
    const auto length = static_cast<size_t>(statement.stmt_len);
    if (offset < size) out.push_back({offset, length == 0 ? size - offset : length});
  }
  return out;
}

/// From the first to the last token that is no comment.
std::vector<SqlSpan> trimmed(const std::vector<SqlSpan>& spans,
                             const std::vector<SqlToken>& tokens) {
  size_t at = 0;
  std::vector<SqlSpan> out;
  for (const SqlSpan& span : spans) {
    size_t begin = std::string::npos, end = 0;
    const size_t limit = span.offset + span.length;
    for (; at < tokens.size() && tokens[at].span.offset < limit; ++at) {
      if (tokens[at].kind == SqlTokenKind::kComment || tokens[at].span.offset < span.offset)
        continue;
      begin = std::min(begin, tokens[at].span.offset);
      end = tokens[at].span.offset + tokens[at].span.length;
    }
    if (begin != std::string::npos) out.push_back({begin, end - begin});
  }
  return out;
}

std::vector<SqlToken> scan(const std::string& text) {
  const Owned scanned(pg_query_scan(text.c_str()), &pg_query_free_scan_result);
  if (scanned->error != nullptr) fail(*scanned->error);
  std::vector<SqlToken> out;
  for (Fields fields({scanned->pbuf.data, scanned->pbuf.len}); fields.next();) {
    if (fields.number() == 2) out.push_back(read_token(text, fields.nested()));
  }
  return out;
}

/// The statements by the grammar, or else the text between semicolons. (libpg_query's own splitter
/// by tokens leaves out statements without a keyword.)
std::vector<SqlSpan> spans_of_text(const std::string& text, const std::vector<SqlSpan>& pieces) {
  const std::vector<SqlToken> tokens = scan(text);
  const Owned parsed(pg_query_split_with_parser(text.c_str()), &pg_query_free_split_result);
  return trimmed(parsed->error == nullptr ? spans_of(*parsed, text.size()) : pieces, tokens);
}

/// Splits piece by piece when the whole text cannot be tokenized.
std::vector<SqlStatement> read_pieces(const SqlSource& source) {
  std::vector<SqlStatement> out;
  for (const SqlSpan& piece : source.pieces) {
    const auto is_told = [&](const SqlProblem& problem) {
      return problem.offset >= piece.offset && problem.offset <= piece.offset + piece.length;
    };
    try {
      for (SqlSpan span :
           spans_of_text(source.text.substr(piece.offset, piece.length), {{0, piece.length}})) {
        span.offset += piece.offset;
        out.push_back({span, {}, {}, {}});
      }
    } catch (const Error& error) {
      if (std::any_of(source.problems.begin(), source.problems.end(), is_told)) continue;
      const size_t begin = std::min(source.text.find_first_not_of(" \t\r\n", piece.offset),
                                    piece.offset + piece.length);
      out.push_back({{begin, piece.offset + piece.length - begin}, {}, error.message(), {}});
    }
  }
  for (const SqlProblem& problem : source.problems)
    out.push_back({{problem.offset, 0}, {}, problem.what, problem.hint});
  std::stable_sort(out.begin(), out.end(), [](const SqlStatement& a, const SqlStatement& b) {
    return a.span.offset < b.span.offset;
  });
  return out;
}

void give_data(std::vector<SqlStatement>& statements, const std::vector<CopyData>& copies) {
  auto next = statements.begin();
  for (const CopyData& copy : copies) {
    while (next != statements.end() && next->span.offset < copy.statement_end) ++next;
    if (next != statements.begin()) std::prev(next)->data = copy.data;
  }
}

}  // namespace

std::vector<SqlStatement> read_statements(const std::string& sql) {
  refuse_nul(sql);
  const SqlSource source = read_sql_source(sql);
  std::vector<SqlStatement> out;
  try {
    if (!source.problems.empty()) throw Error(Code::kParse, source.problems.front().what);
    for (const SqlSpan& span : spans_of_text(source.text, source.pieces))
      out.push_back({span, {}, {}, {}});
  } catch (const Error&) {
    out = read_pieces(source);
  }
  give_data(out, source.copies);
  return out;
}

std::vector<SqlStatement> split_sql(const std::string& sql) {
  std::vector<SqlStatement> out = read_statements(sql);
  for (const SqlStatement& statement : out) {
    if (statement.problem.empty()) continue;
    const auto characters =
        std::count_if(sql.begin(), sql.begin() + static_cast<std::ptrdiff_t>(statement.span.offset),
                      [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; });
    throw Error(Code::kParse, statement.problem, statement.hint)
        .note("position", std::to_string(characters + 1));
  }
  return out;
}

std::string sql_tree(const std::string& sql) {
  refuse_nul(sql);
  const std::string text = read_sql_source(sql).text;
  const Owned parsed(pg_query_parse(text.c_str()), &pg_query_free_parse_result);
  if (parsed->error != nullptr) fail(*parsed->error);
  return parsed->parse_tree;
}

std::string_view token_kind_name(SqlTokenKind kind) noexcept {
  constexpr std::string_view kNames[] = {"name", "quoted", "keyword", "text", "comment", "other"};
  return kNames[static_cast<size_t>(kind)];
}

std::vector<SqlToken> sql_tokens(const std::string& sql) {
  refuse_nul(sql);
  return scan(read_sql_source(sql).text);
}

std::vector<size_t> sql_comments(const std::string& sql) { return read_sql_source(sql).comments; }

int sql_grammar() noexcept { return std::atoi(PG_MAJORVERSION); }

}  // namespace lugger
