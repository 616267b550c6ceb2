// Text rules shared by every reader and writer: UTF-8, hex, edit distance for "did you mean".
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace lugger {

/// Bytes of the longest valid UTF-8 prefix; equal to text.size() when all of it is valid.
/// Surrogates and overlongs are refused.
size_t valid_utf8_prefix(std::string_view text) noexcept;
inline bool is_utf8(std::string_view text) noexcept {
  return valid_utf8_prefix(text) == text.size();
}
/// Each invalid byte becomes U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

/// Valid UTF-8 as ASCII: every other character as JSON escapes it, \u20ac.
std::string escape_non_ascii(std::string_view text);

/// Lowercase hex digits.
std::string to_hex(Bytes bytes);
void to_hex(Bytes bytes, char* out) noexcept;
/// nullopt, false: not an even number of hex digits. `out` has room for half as many bytes.
std::optional<std::string> from_hex(std::string_view hex);
bool from_hex(std::string_view hex, uint8_t* out) noexcept;

std::string to_base64(Bytes bytes);
/// nullopt when it is not standard (RFC 4648 section 4) base64, padding included.
std::optional<std::string> from_base64(std::string_view text);

/// Levenshtein distance.
size_t edit_distance(std::string_view a, std::string_view b);
/// The candidate nearest to word, when near enough to be a slip of the hand; empty otherwise.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// Text cut for a message: at most max bytes, whole UTF-8 characters, control characters and quotes
/// escaped, in double quotes.
std::string quoted_excerpt(std::string_view text, size_t max = 60);

/// 1234567 -> "1.2 MB" (powers of 1000, as df -H).
std::string human_bytes(uint64_t bytes);

}  // namespace lugger
