// The text of positions and partition specs: "offset:4096-8192 line:17", fields by name.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lugger {

struct ByteRange {
  uint64_t begin = 0, end = 0;
};

/// The text behind "name:", up to the next space.
std::optional<std::string_view> spec_field(std::string_view spec, std::string_view name) noexcept;
/// A number of a position; Error{config} when it is missing or no number. `place` is for the
/// message.
uint64_t position_number(std::string_view position, std::string_view name, std::string_view place);
/// "offset:BEGIN-END" of a partition, checked against the size; "" is all of it.
ByteRange partition_range(std::string_view spec, uint64_t size, std::string_view place);

}  // namespace lugger
