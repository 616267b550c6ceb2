#include "value/json_tolerant_text.hpp"

#include "base/ascii.hpp"
#include "base/text.hpp"

namespace lugger::json {

void TolerantText::skip_space() noexcept {
  while (at_ < text_.size() &&
         std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
    ++at_;
}

void TolerantText::refuse_at(size_t offset, std::string_view expected) const {
  if (offset >= text_.size())
    throw Mistake{text_.size(), fmt::format("{}, found the end", expected)};
  const std::string_view rest = text_.substr(offset, text_.substr(offset).find('\n'));
  throw Mistake{offset, fmt::format("{}, found {}", expected, quoted_excerpt(rest, 40))};
}

void TolerantText::string() {
  const size_t start = at_;
  const char quote = text_[at_++];
  standard_ = standard_ && quote == '"';
  out_ += '"';
  const size_t body = at_;
  for (; peek() != quote;) {
    if (at_ >= text_.size()) refuse("expected the string's closing quote");
    const auto c = static_cast<uint8_t>(text_[at_]);
    if (c < 0x20)
      refuse_at(c == '\n' ? start : at_, "a string with a line break or control character");
    if (c == '\\') {
      escape(quote);
      continue;
    }
    if (c == '"') out_ += '\\';
    out_ += text_[at_++];
  }
  const std::string_view written = text_.substr(body, at_ - body);
  const size_t valid = valid_utf8_prefix(written);
  if (valid != written.size()) refuse_at(body + valid, "expected UTF-8");
  ++at_;
  out_ += '"';
}

void TolerantText::put_escape(uint32_t unit) { out_ += fmt::format("\\u{:04x}", unit); }

uint32_t TolerantText::hex(size_t digits, size_t start) {
  uint32_t number = 0;
  for (size_t i = 0; i < digits; ++i, ++at_) {
    const int digit = hex_digit(peek());
    if (digit < 0)
      refuse_at(start, R"(expected an escape of JSON (a backslash itself is written \\))");
    number = number * 16 + static_cast<uint32_t>(digit);
  }
  return number;
}

/// Half of a surrogate pair is not a character; JavaScript writes it when it cuts a string. It
/// becomes U+FFFD, as in MongoDB's own tools.
void TolerantText::unicode_escape(size_t start) {
  const uint32_t unit = hex(4, start);
  if (unit < 0xD800 || unit > 0xDFFF) return put_escape(unit);
  const size_t second = at_;
  if (unit < 0xDC00 && text_.substr(at_, 2) == "\\u") {
    at_ += 2;
    const uint32_t low = hex(4, second);
    if (low >= 0xDC00 && low <= 0xDFFF) return put_escape(unit), put_escape(low);
  }
  at_ = second;
  put_escape(0xFFFD);
  standard_ = false;
}

/// What Go's %q writes beyond JSON.
bool TolerantText::go_escape(char c, size_t start) {
  if (c == 'a' || c == 'v') return put_escape(c == 'a' ? 7 : 11), true;
  if (c == 'x') return put_escape(hex(2, start)), true;
  if (c != 'U') return false;
  const uint32_t point = hex(8, start);
  if (point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
  if (point < 0x10000) return put_escape(point), true;
  put_escape(0xD800 + ((point - 0x10000) >> 10));
  put_escape(0xDC00 + ((point - 0x10000) & 0x3FF));
  return true;
}

/// Other escapes are probably not meant as escapes: "C:\apps\vim\x86" is an unescaped path, and
/// reading \a or \x86 as a character would silently change it.
void TolerantText::escape(char quote) {
  const size_t start = at_++;
  const char c = peek();
  ++at_;
  switch (c) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      out_ += '\\';
      out_ += c;
      return;
    case '\'':
      if (quote != c) break;
      out_ += c;
      return;
    case 'u': return unicode_escape(start);
    default: break;
  }
  if (go_escapes_ && go_escape(c, start)) return;
  refuse_at(start, R"(expected an escape of JSON (a backslash itself is written \\))");
}

}  // namespace lugger::json
