// The strings of the tolerant JSON path, checked and rewritten as JSON.
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "value/json_scan.hpp"

namespace lugger::json {

/// A place in the text, the output, and what both halves of the rewriter need: errors, white space,
/// strings.
class TolerantText {
 protected:
  TolerantText(std::string_view text, std::string& out) : text_(text), out_(out) {}

  /// The byte under way; NUL at the end.
  char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() noexcept;

  [[noreturn]] void refuse(std::string_view expected) const { refuse_at(at_, expected); }
  [[noreturn]] void refuse_at(size_t offset, std::string_view expected) const;

  /// A quoted string, either quote, written as a JSON string.
  void string();

  std::string_view text_;
  std::string& out_;
  size_t at_ = 0;
  bool go_escapes_ = false;  // in the string under way
  bool standard_ = true;     // nothing was met so far that JSON does not have

 private:
  void escape(char quote);
  void unicode_escape(size_t start);
  bool go_escape(char c, size_t start);
  uint32_t hex(size_t digits, size_t start);
  void put_escape(uint32_t unit);
};

}  // namespace lugger::json
