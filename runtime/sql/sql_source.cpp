#include "sql/sql_source.hpp"

#include <pg_query.h>

#include <cstdlib>

#include "base/ascii.hpp"
#include "sql/sql_number.hpp"

namespace lugger {
namespace {

bool begins_name(char c) noexcept {
  const char lower = to_lower(c);
  return (lower >= 'a' && lower <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool within_name(char c) noexcept { return begins_name(c) || is_digit(c) || c == '$'; }

/// Words that stand for a constant in a row of VALUES.
bool is_constant(std::string_view word) noexcept {
  return is_word(word, "null") || is_word(word, "true") || is_word(word, "false") ||
         is_word(word, "default");
}

class Reader {
 public:
  explicit Reader(const std::string& sql) : sql_(sql) { out_.text = sql; }

  SqlSource read() {
    while (at_ < sql_.size()) step();
    end_piece(sql_.size());
    return std::move(out_);
  }

 private:
  char peek(size_t ahead) const noexcept {
    return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
  }

  void problem(size_t offset, std::string what, std::string hint = {}) {
    out_.problems.push_back({offset, std::move(what), std::move(hint)});
  }

  void step() {
    const char c = sql_[at_];
    if (begins_name(c)) return name();
    if (c == '-' && peek(1) == '-') return line_comment();
    if (c == '/' && peek(1) == '*') return comment();
    if (c == '\'') return quoted('\'', false);
    if (c == '"') return quoted('"', false);
    if (c == '$') return dollar();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (c == '\\') return psql_command();
    if (c == '(') open_bracket();
    if (c == ')') --brackets_;
    if (c == ',' && brackets_ == 0) end_row();
    if (c == ';' && brackets_ <= 0 && blocks_ == 0) return semicolon();
    if (!is_space(c)) last_ = {};
    ++at_;
  }

  void name() {
    const size_t begin = at_;
    while (at_ < sql_.size() && within_name(sql_[at_])) ++at_;
    const auto word = std::string_view(sql_).substr(begin, at_ - begin);
    // Only in E'...' a backslash has a meaning; N, B, X and U& are quotes like any other.
    if (is_word(word, "e") && at_ < sql_.size() && sql_[at_] == '\'') return quoted('\'', true);
    if (first_.empty()) first_ = word;
    if (!is_constant(word)) is_plain_row_ = false;
    if (brackets_ == 0) is_values_ = is_word(word, "values") && is_word(first_, "insert");
    if (is_word(word, "stdin") && is_word(last_, "from") && brackets_ <= 0) from_stdin_ = true;
    if (is_word(word, "atomic") && is_word(last_, "begin")) blocks_ = 1;
    if (blocks_ > 0 && is_word(word, "case")) ++blocks_;
    if (blocks_ > 0 && is_word(word, "end")) --blocks_;
    last_ = word;
  }

  void open_bracket() noexcept {
    is_plain_row_ = brackets_ == 0 && is_values_;
    if (++brackets_ == 1) row_ = at_;
  }

  /// A comma behind a bracket that closed.
  void end_row() {
    if (is_values_ && is_plain_row_) blank(row_, at_ + 1);
    is_plain_row_ = false;
  }

  void line_comment() {
    out_.comments.push_back(at_);
    is_plain_row_ = false;
    to_end_of_line();
  }

  void to_end_of_line() { at_ = std::min(sql_.find('\n', at_), sql_.size()); }

  void comment() {
    const size_t begin = at_;
    out_.comments.push_back(begin);
    is_plain_row_ = false;
    int depth = 0;
    for (; at_ < sql_.size(); ++at_) {
      if (sql_[at_] == '/' && peek(1) == '*') {
        ++depth;
        ++at_;
      } else if (sql_[at_] == '*' && peek(1) == '/') {
        ++at_;
        if (--depth == 0) break;
      }
    }
    if (at_ >= sql_.size()) return problem(begin, "a comment that begins here is not closed");
    ++at_;
  }

  void quoted(char quote, bool escapes) {
    const size_t begin = at_++;
    last_ = {};
    for (; at_ < sql_.size(); ++at_) {
      if (escapes && sql_[at_] == '\\') {
        ++at_;
      } else if (sql_[at_] == quote) {
        if (peek(1) != quote) {
          ++at_;
          return;
        }
        ++at_;
      }
    }
    at_ = sql_.size();
    problem(begin, quote == '"' ? "a quoted name that begins here is not closed"
                                : "a quoted text that begins here is not closed");
  }

  /// $tag$ ... $tag$, or $1.
  void dollar() {
    const size_t begin = at_++;
    last_ = {};
    if (is_digit(peek(0))) {
      while (at_ < sql_.size() && within_name(sql_[at_]) && sql_[at_] != '$') ++at_;
      return;
    }
    size_t end = at_;
    while (end < sql_.size() && (begins_name(sql_[end]) || is_digit(sql_[end]))) ++end;
    if (end >= sql_.size() || sql_[end] != '$') return;
    const std::string tag = sql_.substr(begin, end + 1 - begin);
    const size_t close = sql_.find(tag, end + 1);
    if (close == std::string::npos) {
      at_ = sql_.size();
      return problem(begin, "a text that " + tag + " begins here is not closed");
    }
    at_ = close + tag.size();
  }

  void number() {
    const auto rest = std::string_view(sql_).substr(at_);
    size_t length = number_length(rest);
    const bool is_new = length > 0 && rest.substr(0, length).find_first_of("_xXoObB") < length;
    if (is_new && std::atoi(PG_MAJORVERSION) < 16)
      out_.text.replace(at_, length, plain_number(rest.substr(0, length)));
    while (length < rest.size() && (within_name(rest[length]))) ++length;
    at_ += std::max<size_t>(length, 1);
    last_ = {};
  }

  void blank(size_t begin, size_t end) {
    for (; begin < end; ++begin) {
      if (out_.text[begin] != '\n') out_.text[begin] = ' ';
    }
  }

  /// pg_dump writes \restrict at the start of its files, after which psql runs no commands of its
  /// own until \unrestrict. Here no command is ever run.
  void psql_command() {
    const size_t begin = at_;
    to_end_of_line();
    const auto line = trimmed(std::string_view(sql_).substr(begin, at_ - begin));
    const auto word = line.substr(0, line.find_first_of(" \t"));
    if (word != "\\restrict" && word != "\\unrestrict") {
      problem(begin, std::string(word) + " is a command of psql, which is not SQL",
              "write what it does as SQL; of what psql reads, the data of COPY ... FROM stdin, "
              "\\restrict and \\unrestrict are taken here");
    }
    blank(begin, at_);
  }

  void semicolon() {
    const size_t semicolon = at_++;
    const bool copies = from_stdin_ && is_word(first_, "copy");
    end_piece(semicolon);
    if (copies) copy_data(semicolon);
  }

  void end_piece(size_t end) {
    out_.pieces.push_back({piece_, end - piece_});
    piece_ = std::min(end + 1, sql_.size());
    brackets_ = blocks_ = 0;
    first_ = last_ = {};
    from_stdin_ = is_values_ = is_plain_row_ = false;
  }

  /// The following lines, up to a line with only `\.`.
  void copy_data(size_t semicolon) {
    size_t begin = sql_.find('\n', at_);
    const bool more = sql_.find_first_not_of(" \t\r\n", at_) != std::string::npos;
    if (!more) return;
    const auto behind =
        trimmed(std::string_view(sql_).substr(at_, std::min(begin, sql_.size()) - at_));
    if (begin == std::string::npos || !(behind.empty() || behind.starts_with("--")))
      return problem(at_, "the data of COPY ... FROM stdin begins on the line behind it");
    for (size_t line = ++begin; line < sql_.size();) {
      const size_t end = std::min(sql_.find('\n', line), sql_.size());
      if (trimmed(std::string_view(sql_).substr(line, end - line)) == "\\." && sql_[line] == '\\') {
        out_.copies.push_back({semicolon, {begin, line - begin}});
        blank(begin, end);
        at_ = piece_ = end;
        return;
      }
      line = end + 1;
    }
    problem(begin, "the data of COPY ... FROM stdin is not ended by a line \\.",
            "write \\. on a line of its own behind the last row");
    blank(begin, sql_.size());
    at_ = piece_ = sql_.size();
  }

  const std::string& sql_;
  SqlSource out_;
  size_t at_ = 0, piece_ = 0, row_ = 0;
  int brackets_ = 0, blocks_ = 0;
  std::string_view first_, last_;
  bool from_stdin_ = false;
  bool is_values_ = false, is_plain_row_ = false;  // within INSERT ... VALUES; a row of constants
};

}  // namespace

SqlSource read_sql_source(const std::string& sql) { return Reader(sql).read(); }

}  // namespace lugger
