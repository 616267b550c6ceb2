// What positions and partition specs hold: numbers and ranges of bytes, by name.
#pragma once
#include <cstdint>

#include "base/fields.hpp"

namespace lugger {

struct ByteRange {
  uint64_t begin = 0, end = 0;
};

/// A numeric field of a position. Error{config}, which names `place`, when it is missing or not a
/// number.
uint64_t position_number(std::string_view position, std::string_view name, std::string_view place);
/// The range "offset:BEGIN-END" of a partition, checked against the size; "" is everything.
ByteRange partition_range(std::string_view spec, uint64_t size, std::string_view place);
/// Error{config} for a position whose offset lies outside of its partition.
void check_inside(ByteRange range, uint64_t offset, std::string_view position,
                  std::string_view spec, std::string_view place);

}  // namespace lugger
