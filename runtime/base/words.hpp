// Enums that have words in SQL, Lua and JSON. Such an enum counts from 0, and one array has its
// words in the same order.
#pragma once
#include <cstddef>
#include <span>
#include <string_view>

namespace lugger {

using Words = std::span<const std::string_view>;

/// The place of word in the list. Error{config}: `what` is none of them.
size_t choice(std::string_view what, std::string_view word, Words words);

/// The enum behind a word. Error{config}: `what` is none of them.
template <typename Enum>
Enum enum_of(std::string_view what, std::string_view word, Words words) {
  return static_cast<Enum>(choice(what, word, words));
}

}  // namespace lugger
