// Text as lines: where readers of text count them, and what may stand before the first.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>

namespace lugger {

/// Of UTF-8.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// How many line ends a text has.
inline uint64_t count_lines(std::string_view text) noexcept {
  return static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace lugger
