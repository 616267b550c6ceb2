// Retry-After, as servers that are busy send it.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace lugger {

/// The seconds to wait, given as such or as a date (RFC 9110, "Wed, 21 Oct 2026 07:28:00 GMT").
/// `now` in Unix seconds. nullopt: the value means none.
std::optional<double> retry_after(std::string_view value, int64_t now) noexcept;

}  // namespace lugger
