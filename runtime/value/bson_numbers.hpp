// An array of numbers read at once, for vectors that come as arrays.
#pragma once
#include <optional>

#include "base/bytes.hpp"

namespace lugger {

/// The least that a number takes in a BSON array: type, one digit, its end, four bytes.
inline constexpr size_t kLeastNumberBytes = 7;

/// The elements of a BSON array of doubles and int32s, each rounded once to a float in host byte
/// order; their number. nullopt: there is something else, or the array is damaged. `out` has room
/// for array.size() / kLeastNumberBytes floats.
std::optional<size_t> floats_of_numbers(Bytes array, uint8_t* out) noexcept;

}  // namespace lugger
