// Characters of UTF-8 text: letters' case, lengths, white space, normal forms. Bytes that are not
// UTF-8 count as a character each and stay as they are.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lugger {

enum class NormalForm : uint8_t { kNfc, kNfd, kNfkc, kNfkd };

/// Each character's own upper or lower case, as PostgreSQL's upper() and lower() have it: one
/// character becomes one, in no language's special way.
std::string upper_case(std::string_view text);
std::string lower_case(std::string_view text);

size_t count_characters(std::string_view text) noexcept;
/// Where character number `index` begins, from 0; the text's size when it has not so many.
size_t character_offset(std::string_view text, size_t index) noexcept;
/// The text without white space (as Unicode has it, and U+FEFF) at its ends.
std::string_view trimmed(std::string_view text) noexcept;
/// nullopt: the text is not UTF-8.
std::optional<std::string> normal_form(std::string_view text, NormalForm form);

}  // namespace lugger
