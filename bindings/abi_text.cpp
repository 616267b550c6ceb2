// FFI: text made of text, digests, and regular expressions.
#include <algorithm>
#include <string>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/regex.hpp"
#include "base/text.hpp"
#include "base/unicode.hpp"
#include "bindings/abi.h"
#include "bindings/abi_cast.hpp"

using namespace lugger;

struct lug_regex {
  Regex regex;
};

namespace {

constexpr int32_t kCannot = -1;

/// nullopt, and an exception (out of memory): it cannot be done.
template <typename Make>
int32_t text_of(Make&& make, char* out, uint32_t room) noexcept {
  try {
    const std::optional<std::string> made = make();
    if (!made || made->size() > INT32_MAX) return kCannot;
    return static_cast<int32_t>(give_text(*made, out, room));
  } catch (const std::exception&) {
    return kCannot;
  }
}

DigestKind kind_of(int bits) noexcept {
  return bits == 512 ? DigestKind::kSha512 : DigestKind::kSha256;
}

/// A text with a NUL at its end, cut to the room.
void give_words(std::string_view words, char* out, uint32_t room) noexcept {
  const size_t size = std::min<size_t>(words.size(), room - 1);
  std::copy_n(words.data(), size, out);
  out[size] = 0;
}

using Text = std::optional<std::string>;

}  // namespace

extern "C" {

int32_t lug_text_case(const char* text, uint32_t size, int upper, char* out,
                      uint32_t room) noexcept {
  return text_of(
      [&]() -> Text {
        return upper != 0 ? upper_case({text, size}) : lower_case({text, size});
      },
      out, room);
}

int32_t lug_text_normal(const char* text, uint32_t size, int form, char* out,
                        uint32_t room) noexcept {
  return text_of(
      [&] {
        return normal_form({text, size}, static_cast<NormalForm>(form));
      },
      out, room);
}

int32_t lug_text_base64(const char* text, uint32_t size, int decode, char* out,
                        uint32_t room) noexcept {
  return text_of(
      [&]() -> Text {
        return decode != 0 ? from_base64({text, size}) : to_base64(as_bytes({text, size}));
      },
      out, room);
}

int32_t lug_text_hex(const char* text, uint32_t size, int decode, char* out,
                     uint32_t room) noexcept {
  return text_of(
      [&]() -> Text {
        return decode != 0 ? from_hex({text, size}) : to_hex(as_bytes({text, size}));
      },
      out, room);
}

int32_t lug_text_digest(const char* text, uint32_t size, int bits, char* out,
                        uint32_t room) noexcept {
  return text_of(
      [&]() -> Text {
        return to_hex(as_bytes(digest(kind_of(bits), {text, size})));
      },
      out, room);
}

int32_t lug_text_hmac(const char* key, uint32_t key_size, const char* text, uint32_t size, int bits,
                      char* out, uint32_t room) noexcept {
  return text_of(
      [&]() -> Text {
        return to_hex(as_bytes(hmac(kind_of(bits), {key, key_size}, {text, size})));
      },
      out, room);
}

int lug_text_same(const char* a, uint32_t a_size, const char* b, uint32_t b_size) noexcept {
  return same_bytes({a, a_size}, {b, b_size}) ? 1 : 0;
}

uint32_t lug_text_length(const char* text, uint32_t size) noexcept {
  return static_cast<uint32_t>(count_characters({text, size}));
}

uint32_t lug_text_offset(const char* text, uint32_t size, uint32_t index) noexcept {
  return static_cast<uint32_t>(character_offset({text, size}, index));
}

void lug_text_trim(const char* text, uint32_t size, uint32_t* out2) noexcept {
  const std::string_view left = trimmed({text, size});
  out2[0] = static_cast<uint32_t>(left.data() - text);
  out2[1] = out2[0] + static_cast<uint32_t>(left.size());
}

lug_regex* lug_regex_new(const char* pattern, uint32_t size, const char* flags, uint32_t flags_size,
                         char* error, uint32_t room) noexcept {
  try {
    return new lug_regex{Regex({pattern, size}, {flags, flags_size})};
  } catch (const Error& fault) {
    give_words(fault.message() + "\n" + fault.hint(), error, room);
  } catch (const std::exception& fault) {
    give_words(fault.what(), error, room);
  }
  return nullptr;
}

void lug_regex_free(lug_regex* regex) noexcept { delete regex; }

int lug_regex_search(lug_regex* regex, const char* text, uint32_t size, uint32_t start,
                     int not_empty) noexcept {
  return regex->regex.search(
      {text, size}, start, not_empty != 0 ? Regex::Begin::kHereNotEmpty : Regex::Begin::kAnywhere);
}

int lug_regex_group(const lug_regex* regex, uint32_t number, uint32_t* out2) noexcept {
  const auto group = regex->regex.group(number);
  if (!group) return 0;
  out2[0] = static_cast<uint32_t>(group->begin);
  out2[1] = static_cast<uint32_t>(group->end);
  return 1;
}

uint32_t lug_regex_groups(const lug_regex* regex) noexcept {
  return static_cast<uint32_t>(regex->regex.groups());
}

const char* lug_regex_name(const lug_regex* regex, uint32_t index, uint32_t* group) noexcept {
  const auto& names = regex->regex.names();
  if (index >= names.size()) return nullptr;
  *group = static_cast<uint32_t>(names[index].group);
  return names[index].text.c_str();
}

void lug_regex_told(int fault, char* out, uint32_t room) noexcept {
  try {
    give_words(Regex::told(fault), out, room);
  } catch (const std::exception&) {
    give_words("gave up", out, room);
  }
}

}  // extern "C"
