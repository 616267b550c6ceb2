// PostgreSQL arrays as text, for query parameters.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace lugger {

/// Builds the text of a PostgreSQL array.
class ArrayText {
 public:
  void null() { next() += "NULL"; }
  void number(int64_t value) { next() += fmt::format("{}", value); }
  void text(std::string_view value) {
    std::string& out = next();
    out += '"';
    for (char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  std::string finish() { return std::move(text_) + "}"; }

 private:
  std::string& next() {
    if (text_.size() > 1) text_ += ',';
    return text_;
  }
  std::string text_ = "{";
};

}  // namespace lugger
