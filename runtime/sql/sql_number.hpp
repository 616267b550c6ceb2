// Numeric literals as PostgreSQL 16 and later write them.
#pragma once
#include <string>
#include <string_view>

namespace lugger {

/// The length of the literal at the start of `rest` (a digit, or a dot and a digit). 0: no version
/// accepts it, because of what follows: 123abc, 1__0, 0x.
size_t number_length(std::string_view rest) noexcept;

/// The same number in the notation of versions before 16, padded with leading zeros to the same
/// length. A number that does not fit (0xFFFFFFFFFF) becomes the largest that does.
std::string plain_number(std::string_view literal);

}  // namespace lugger
