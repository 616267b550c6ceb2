// ASCII characters by the rules of PostgreSQL's input functions, independent of the locale.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace lugger {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
/// Space, and tab to carriage return.
constexpr bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
inline constexpr std::array<int8_t, 256> kHexDigits = [] {
  std::array<int8_t, 256> digits{};
  digits.fill(-1);
  for (int8_t i = 0; i < 16; ++i) {
    digits[static_cast<uint8_t>("0123456789abcdef"[i])] = i;
    digits[static_cast<uint8_t>("0123456789ABCDEF"[i])] = i;
  }
  return digits;
}();
/// The value of a hexadecimal digit; -1: it is none.
constexpr int hex_digit(char c) noexcept { return kHexDigits[static_cast<uint8_t>(c)]; }
/// True when `text` is the word, in upper or lower case.
constexpr bool is_word(std::string_view text, std::string_view lower) noexcept {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (to_lower(text[i]) != lower[i]) return false;
  }
  return true;
}
constexpr std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace lugger
