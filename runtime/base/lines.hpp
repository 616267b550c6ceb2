// Text as lines: where readers of text count them, and what may stand before the first.
#pragma once
#include <cstdint>
#include <string_view>

namespace lugger {

/// Of UTF-8.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// How many line ends a text has.
inline uint64_t count_lines(std::string_view text) noexcept {
  uint64_t out = 0;
  for (size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) ++out;
  return out;
}

}  // namespace lugger
