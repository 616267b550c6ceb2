// Removes secrets given as arguments from the process list.
#pragma once
#include <string_view>

namespace lugger {

void remember_arguments(int count, char** words) noexcept;
/// Overwrites every occurrence of the secret in the arguments with "***" and blanks.
void wipe_arguments(std::string_view secret) noexcept;

}  // namespace lugger
