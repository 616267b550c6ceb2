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

// After anything else a '{' cannot stand: the document before it was not closed.
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
