#include "pinecone/id_text.hpp"

#include <algorithm>

#include "base/url.hpp"

namespace lugger {
namespace {

constexpr unsigned char kFirst = 0x21, kLast = 0x7E;
constexpr size_t kMost = 512;

}  // namespace

std::string PineconeIds::encoded(std::string_view text) const {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  if (!percent_) return std::string(text);
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= kFirst && byte <= kLast && c != '%') {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

std::string PineconeIds::decoded(std::string_view text) const {
  return percent_ ? percent_decode(text) : std::string(text);
}

std::string_view why_no_id(std::string_view encoded) noexcept {
  if (encoded.empty()) return "an id is not empty";
  if (encoded.size() > kMost) return "an id has at most 512 characters";
  const auto foreign = [](char c) { return static_cast<unsigned char>(c) > kLast || c == '\0'; };
  if (std::ranges::any_of(encoded, foreign))
    return "an id is ASCII; ids = 'percent' encodes the others";
  return {};
}

}  // namespace lugger
