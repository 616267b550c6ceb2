#include "postgres/constraint_text.hpp"

#include <algorithm>
#include <optional>

namespace lugger {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool ended() {
    skip();
    return at_ == text_.size();
  }

  /// A keyword, whatever its case.
  bool word(std::string_view wanted) {
    skip();
    if (text_.size() - at_ < wanted.size()) return false;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (std::tolower(static_cast<unsigned char>(text_[at_ + i])) != wanted[i]) return false;
    }
    const size_t end = at_ + wanted.size();
    if (end < text_.size() && is_word(text_[end])) return false;
    at_ = end;
    return true;
  }

  bool mark(char wanted) {
    skip();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  /// An identifier: folded as the server folds it, or as it stands in quotes.
  std::optional<std::string> name() {
    skip();
    std::string out;
    if (at_ < text_.size() && text_[at_] == '"') {
      for (++at_; at_ < text_.size(); ++at_) {
        if (text_[at_] == '"') {
          if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
            ++at_;
          } else {
            ++at_;
            return out;
          }
        }
        out += text_[at_];
      }
      return std::nullopt;
    }
    while (at_ < text_.size() && is_word(text_[at_]))
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(text_[at_++])));
    if (out.empty()) return std::nullopt;
    return out;
  }

  bool names(std::vector<std::string>& out) {
    if (!mark('(')) return false;
    do {
      std::optional<std::string> found = name();
      if (!found) return false;
      out.push_back(std::move(*found));
    } while (mark(','));
    return mark(')');
  }

  /// What stands between a parenthesis and its partner, quotes respected.
  std::optional<std::string> parenthesised() {
    if (!mark('(')) return std::nullopt;
    const size_t begin = at_;
    int depth = 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\'' || c == '"') {
        at_ = text_.find(c, at_ + 1);
        if (at_ == std::string_view::npos) return std::nullopt;
      } else if (c == '(') {
        ++depth;
      } else if (c == ')' && --depth == 0) {
        return std::string(text_.substr(begin, at_++ - begin));
      }
      ++at_;
    }
    return std::nullopt;
  }

 private:
  void skip() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  std::string_view text_;
  size_t at_ = 0;
};

bool read_check(Reader& reader, ConstraintText& out) {
  std::optional<std::string> expression = reader.parenthesised();
  if (!expression) return false;
  out.kind = ConstraintText::Kind::kCheck;
  out.expression = std::move(*expression);
  return reader.ended();
}

bool read_unique(Reader& reader, ConstraintText& out) {
  if (reader.word("nulls")) {
    out.nulls_not_distinct = reader.word("not");
    if (!reader.word("distinct")) return false;
  }
  out.kind = ConstraintText::Kind::kUnique;
  // DEFERRABLE, INCLUDE and their like are left to the server.
  return reader.names(out.columns) && reader.ended();
}

bool read_foreign(Reader& reader, ConstraintText& out) {
  if (!reader.word("key") || !reader.names(out.columns) || !reader.word("references")) return false;
  std::optional<std::string> table = reader.name();
  if (!table) return false;
  out.references = std::move(*table);
  if (reader.mark('.')) {
    table = reader.name();
    if (!table) return false;
    out.references += "." + *table;
  }
  Reader behind = reader;
  if (!behind.names(out.referenced)) out.referenced.clear();
  out.kind = ConstraintText::Kind::kForeign;
  return true;
}

}  // namespace

ConstraintText read_constraint(std::string_view sql) {
  ConstraintText out;
  Reader reader(sql);
  const bool understood = reader.word("check")     ? read_check(reader, out)
                          : reader.word("unique")  ? read_unique(reader, out)
                          : reader.word("foreign") ? read_foreign(reader, out)
                                                   : false;
  return understood ? out : ConstraintText{};
}

}  // namespace lugger
