// The process list: secrets given as arguments are wiped from it.
#pragma once
#include <string_view>

namespace lugger {

void remember_arguments(int count, char** words) noexcept;
/// Overwrites every occurrence in the arguments with "***" and blanks.
void wipe_arguments(std::string_view secret) noexcept;

}  // namespace lugger
