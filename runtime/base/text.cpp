#include "base/text.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/ascii.hpp"

namespace lugger {

namespace {

constexpr uint64_t kHighBits = 0x8080808080808080ull;

/// Length of the UTF-8 sequence at p (RFC 3629), 0 when invalid.
size_t sequence_length(const uint8_t* p, size_t left) noexcept {
  const auto continues = [&](size_t i) { return i < left && (p[i] & 0xC0) == 0x80; };
  const uint8_t lead = p[0];
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && p[1] < 0xA0) return 0;
    if (lead == 0xED && p[1] > 0x9F) return 0;
    return 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if (lead == 0xF0 && p[1] < 0x90) return 0;
    if (lead == 0xF4 && p[1] > 0x8F) return 0;
    return 4;
  }
  return 0;
}

/// -1: no hex digit.

}  // namespace

size_t valid_utf8_prefix(std::string_view text) noexcept {
  const auto* p = reinterpret_cast<const uint8_t*>(text.data());
  size_t at = 0;
  while (at < text.size()) {
    while (text.size() - at >= 8 && (load_le<uint64_t>(p + at) & kHighBits) == 0) at += 8;
    if (at == text.size()) break;
    const size_t length = sequence_length(p + at, text.size() - at);
    if (length == 0) return at;
    at += length;
  }
  return at;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t good = valid_utf8_prefix(text);
    out += text.substr(0, good);
    if (good == text.size()) break;
    out += "\xEF\xBF\xBD";
    text.remove_prefix(good + 1);
  }
  return out;
}

std::string escape_non_ascii(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i++]);
    if (first < 0x80) {
      out += static_cast<char>(first);
      continue;
    }
    const int more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    uint32_t point = first & (0x3FU >> more);
    for (int k = 0; k < more && i < text.size(); ++k)
      point = point << 6U | (static_cast<unsigned char>(text[i++]) & 0x3FU);
    if (point < 0x10000) {
      out += fmt::format("\\u{:04x}", point);
    } else {
      point -= 0x10000;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (point >> 10U), 0xDC00 + (point & 0x3FFU));
    }
  }
  return out;
}

void to_hex(Bytes bytes, char* out) noexcept {
  static constexpr auto kPairs = [] {
    std::array<std::array<char, 2>, 256> pairs{};
    for (size_t i = 0; i < 256; ++i)
      pairs[i] = {"0123456789abcdef"[i >> 4], "0123456789abcdef"[i & 15]};
    return pairs;
  }();
  for (const uint8_t byte : bytes) {
    std::memcpy(out, kPairs[byte].data(), 2);
    out += 2;
  }
}

std::string to_hex(Bytes bytes) {
  std::string out(bytes.size() * 2, '\0');
  to_hex(bytes, out.data());
  return out;
}

bool from_hex(std::string_view hex, uint8_t* out) noexcept {
  if (hex.size() % 2 != 0) return false;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
    if ((high | low) < 0) return false;
    *out++ = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

std::optional<std::string> from_hex(std::string_view hex) {
  std::string out(hex.size() / 2, '\0');
  if (!from_hex(hex, reinterpret_cast<uint8_t*>(out.data()))) return std::nullopt;
  return out;
}

std::string to_base64(Bytes bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes.data(),
                                static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(n));
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return std::string();
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const std::string_view body = text.substr(0, text.size() - padding);
  const bool clean = std::all_of(body.begin(), body.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '+' || c == '/';
  });
  if (!clean) return std::nullopt;  // EVP_DecodeBlock skips surrounding white space
  std::string out(text.size() / 4 * 3, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()),
                                static_cast<int>(text.size()));
  if (n < 0) return std::nullopt;
  out.resize(static_cast<size_t>(n) - padding);
  return out;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

/// Letters that were swapped, or left out.
static bool is_hasty(std::string_view word, std::string_view meant) {
  if (std::is_permutation(word.begin(), word.end(), meant.begin(), meant.end())) return true;
  size_t met = 0;
  for (const char c : meant) met += met < word.size() && word[met] == c ? 1 : 0;
  return met == word.size();
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  constexpr size_t kShort = 4;  // two other letters make another word of it
  size_t least = std::max<size_t>(word.size() / 3, 2) + 1;
  for (const std::string_view candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    const bool far = distance > 1 && word.size() <= kShort && !is_hasty(word, candidate);
    if (distance < least && !far) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string quoted_excerpt(std::string_view text, size_t max) {
  std::string out = "\"";
  const bool cut = text.size() > max;
  std::string whole = replace_invalid_utf8(text.substr(0, max + 4));
  size_t end = std::min(whole.size(), max);
  while (end > 0 && end < whole.size() && (static_cast<uint8_t>(whole[end]) & 0xC0) == 0x80) --end;
  for (const char c : std::string_view(whole).substr(0, end)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(c));
    } else {
      out += c;
    }
  }
  out += '"';
  if (cut) out += "...";
  return out;
}

std::string human_bytes(uint64_t bytes) {
  static constexpr std::string_view kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < std::size(kUnits)) {
    value /= 1000;
    ++unit;
  }
  if (unit == 0) return fmt::format("{} B", bytes);
  return value < 9.95 ? fmt::format("{:.1f} {}", value, kUnits[unit])
                      : fmt::format("{:.0f} {}", value, kUnits[unit]);
}

}  // namespace lugger
