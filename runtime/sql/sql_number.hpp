// Numeric literals as PostgreSQL 16 and later write them.
#pragma once
#include <string>
#include <string_view>

namespace lugger {

/// The length of the literal that `rest` begins with (a digit, or a dot and a digit); 0: none that
/// any version takes, because of what stands behind it: 123abc, 1__0, 0x.
size_t number_length(std::string_view rest) noexcept;

/// The same number as versions before 16 write it, with zeros before it up to the same length; one
/// that has no room (0xFFFFFFFFFF) becomes the largest that has.
std::string plain_number(std::string_view literal);

}  // namespace lugger
