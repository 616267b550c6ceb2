#include "base/unicode.hpp"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "base/text.hpp"

namespace lugger {
namespace {

struct Character {
  int32_t code = -1;  // -1: a byte that is not UTF-8
  size_t size = 1;
};

Character character_at(std::string_view text) noexcept {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {first, 1};
  Character out;
  const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &out.code);
  if (size <= 0) return {};
  out.size = static_cast<size_t>(size);
  return out;
}

template <typename Map>
std::string mapped(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character here = character_at(text);
    const int32_t code = here.code < 0 ? -1 : map(here.code);
    if (code == here.code) {
      out.append(text.substr(0, here.size));
    } else if (code < 0x80) {
      out.push_back(static_cast<char>(code));
    } else {
      utf8proc_uint8_t bytes[4];
      const auto size = utf8proc_encode_char(code, bytes);
      out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    }
    text.remove_prefix(here.size);
  }
  return out;
}

bool is_space(int32_t code) noexcept {
  if (code <= 0x20) return code == ' ' || (code >= '\t' && code <= '\r');
  if (code == 0x85 || code == 0xFEFF) return true;
  if (code < 0x80) return false;
  const utf8proc_category_t category = utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP;
}

/// The last character, which begins up to four bytes before the end.
Character last_character(std::string_view text) noexcept {
  for (size_t size = 2; size <= 4 && size <= text.size(); ++size) {
    const Character here = character_at(text.substr(text.size() - size));
    if (here.size == size) return here;
  }
  const auto byte = static_cast<unsigned char>(text.back());
  return byte < 0x80 ? Character{byte, 1} : Character{};
}

}  // namespace

std::string upper_case(std::string_view text) {
  return mapped(text, [](int32_t code) -> int32_t {
    constexpr int32_t kSharpS =
        0xDF;  // utf8proc makes U+1E9E of it, Unicode's simple mapping nothing
    if (code < 0x80) return code >= 'a' && code <= 'z' ? code - 32 : code;
    return code == kSharpS ? code : utf8proc_toupper(code);
  });
}

std::string lower_case(std::string_view text) {
  return mapped(text, [](int32_t code) -> int32_t {
    if (code < 0x80) return code >= 'A' && code <= 'Z' ? code + 32 : code;
    return utf8proc_tolower(code);
  });
}

size_t count_characters(std::string_view text) noexcept {
  size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(character_at(text).size);
  return count;
}

size_t character_offset(std::string_view text, size_t index) noexcept {
  size_t at = 0;
  for (; index != 0 && at < text.size(); --index) at += character_at(text.substr(at)).size;
  return at;
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty()) {
    const Character here = character_at(text);
    if (!is_space(here.code)) break;
    text.remove_prefix(here.size);
  }
  while (!text.empty()) {
    const Character here = last_character(text);
    if (!is_space(here.code)) break;
    text.remove_suffix(here.size);
  }
  return text;
}

std::optional<std::string> normal_form(std::string_view text, NormalForm form) {
  if (!is_utf8(text)) return std::nullopt;
  const bool composed = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  int options = UTF8PROC_STABLE | (composed ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE);
  if (form == NormalForm::kNfkc || form == NormalForm::kNfkd) options |= UTF8PROC_COMPAT;
  utf8proc_uint8_t* made = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                 static_cast<utf8proc_ssize_t>(text.size()), &made,
                                 static_cast<utf8proc_option_t>(options));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> held(made, &std::free);
  if (size == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  if (size < 0) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(made), static_cast<size_t>(size));
}

}  // namespace lugger
