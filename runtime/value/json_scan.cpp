#include "value/json_scan.hpp"

#include <array>

namespace lugger::json {
namespace {

enum Class : uint8_t { kOther, kSpace, kQuote, kOpenObject, kOpen, kClose };

constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> classes{};
  for (const char c : {' ', '\t', '\r', '\n'}) classes[static_cast<uint8_t>(c)] = kSpace;
  classes['"'] = classes['\''] = kQuote;
  classes['{'] = kOpenObject;
  classes['['] = kOpen;
  classes['}'] = classes[']'] = kClose;
  return classes;
}();

constexpr std::array<bool, 256> kEndsRun = [] {
  std::array<bool, 256> ends{};
  for (const char c : {'"', '\'', '\\', '\n'}) ends[static_cast<uint8_t>(c)] = true;
  return ends;
}();

// After any other byte a '{' is invalid, so the document before it was not closed.
bool object_may_follow(char previous) noexcept {
  return previous == 0 || previous == ':' || previous == ',' || previous == '[' || previous == '(';
}

}  // namespace

bool DocumentScanner::skip_string(std::string_view text) noexcept {
  const size_t size = text.size();
  size_t at = at_;
  if (escaped_ && at < size) {
    escaped_ = false;
    ++at;
  }
  while (at < size) {
    const auto c = static_cast<uint8_t>(text[at]);
    if (!kEndsRun[c]) {
      ++at;
    } else if (c == '\\') {
      escaped_ = at + 1 >= size;
      at = escaped_ ? size : at + 2;
    } else if (c == '\n') {
      at_ = at;
      return false;
    } else {
      ++at;
      if (c == static_cast<uint8_t>(quote_)) {
        quote_ = 0;
        break;
      }
    }
  }
  at_ = at;
  return true;
}

DocumentScanner::Found DocumentScanner::scan(std::string_view text) noexcept {
  while (at_ < text.size()) {
    if (quote_ != 0) {
      if (!skip_string(text)) return Found::kBroken;
      continue;
    }
    const char c = text[at_];
    const uint8_t kind = kClasses[static_cast<uint8_t>(c)];
    if (kind == kOpenObject && !object_may_follow(previous_)) return Found::kBroken;
    ++at_;
    if (kind == kSpace) continue;
    previous_ = c;
    if (kind == kOther) continue;
    if (kind == kQuote) {
      quote_ = c;
    } else if (kind == kClose) {
      if (--depth_ == 0) return Found::kEnd;
    } else {
      ++depth_;
    }
  }
  return Found::kMore;
}

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

size_t trimmed(std::string_view text, size_t end) noexcept {
  return text.substr(0, end).find_last_not_of(kBlanks) + 1;
}

/// The end of the line before the next document. npos: there is none; text.size(): more input is
/// needed.
size_t line_before_next(std::string_view text, size_t indent, bool array, bool last) noexcept {
  for (size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) {
    const std::string_view next = text.substr(at + 1);
    if (last && next.find_first_not_of(kBlanks) == next.npos) return at;
    if (next.size() <= indent) return last ? text.npos : text.size();
    const bool begins = next[indent] == '{' || (array && next[indent] == ']');
    if (begins && next.find_first_not_of(" \t") == indent) return at;
  }
  return last ? text.npos : text.size();
}

}  // namespace

std::optional<bool> document_ends(std::string_view rest, bool array, bool last) noexcept {
  const size_t next = rest.find_first_not_of(" \t\r");
  if (next == rest.npos) return last ? std::optional(true) : std::nullopt;
  const char c = rest[next];
  return c == '\n' || c == '{' || (array && (c == ',' || c == ']'));
}

std::optional<size_t> damaged_extent(std::string_view text, size_t indent, bool array, bool last) {
  if (text.starts_with('{')) {
    DocumentScanner scanner;
    const auto found = scanner.scan(text);
    if (found == DocumentScanner::Found::kEnd && text[scanner.size() - 1] == '}') {
      const auto closed = document_ends(text.substr(scanner.size()), array, last);
      if (!closed) return std::nullopt;
      if (*closed) return scanner.size();
    }
  }
  size_t end = line_before_next(text, indent, array, last);
  if (end == text.npos || end == text.size()) return std::nullopt;
  const bool at_end = last && text.find_first_not_of(kBlanks, end) == text.npos;
  end = trimmed(text, end);
  // The array's own bracket closes it, in the line of its last element.
  if (array && at_end && end != 0 && text[end - 1] == ']') end = trimmed(text, end - 1);
  return end == 0 ? std::nullopt : std::optional(end);
}

size_t nth_object(std::string_view text, size_t n) noexcept {
  bool in_string = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string && c == '\\') {
      ++at;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (c == '{' && !in_string && n-- == 0) {
      return at;
    }
  }
  return 0;
}

}  // namespace lugger::json
