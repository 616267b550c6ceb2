// Concatenated BSON documents as a chain of length prefixes: each says where the next one begins.
#pragma once
#include <string_view>
#include <vector>

#include "value/bson_reader.hpp"

namespace lugger {

inline constexpr uint32_t kMinBsonBytes = 5;

/// kCutPrefix: fewer than 4 bytes are left. kBadLength: below 5 or above 16,793,600. kCutDocument:
/// more than is left.
enum class ChainFault : uint8_t { kNone, kCutPrefix, kBadLength, kCutDocument };

struct Link {
  int32_t found = 0;  // the length as it stands there
  ChainFault fault = ChainFault::kNone;
  uint32_t size() const noexcept { return static_cast<uint32_t>(found); }
};

/// Looks at a length prefix with `left` bytes from there to the end; reads 4 of them.
Link check_link(const uint8_t* at, uint64_t left) noexcept;

/// Error{read}: file, offset, what was found, what is left, what to do.
[[noreturn]] void raise_chain(std::string_view place, uint64_t offset, const Link& link,
                              uint64_t left);

/// Where the file may be divided: begins[0] is 0, each further entry the first document boundary at
/// or behind an equal share, at least `least` bytes apart. Every boundary is proved: it is reached
/// from the file's first byte by following every length prefix, each checked, so no byte inside a
/// document can be taken for a beginning. Behind a broken link there is no boundary; the part that
/// holds it reports it when it gets there.
std::vector<uint64_t> bson_boundaries(Bytes file, int parts, uint64_t least);

}  // namespace lugger
