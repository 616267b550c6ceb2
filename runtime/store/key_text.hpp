// A key as one text, for stores that know an object by one.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lugger {

/// One part is itself, several are a JSON array of their texts. nullopt: a part is null.
std::optional<std::string> key_text(std::span<const std::optional<std::string>> key);
/// The parts again; nullopt: the text is not that of so many.
std::optional<std::vector<std::string>> parts_of_key_text(const std::string& text, size_t parts);

}  // namespace lugger
