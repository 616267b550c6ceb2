// Texts of named fields, "offset:4096-8192 line:17": positions and partitions are stored as such.
#pragma once
#include <optional>
#include <string_view>

namespace lugger {

/// The text after "name:", up to the next space.
std::optional<std::string_view> spec_field(std::string_view spec, std::string_view name) noexcept;

}  // namespace lugger
