// Counts every allocation of the test program, those of its libraries included.
#pragma once
#include <cstdint>

namespace lugger::test {

uint64_t allocations() noexcept;

}  // namespace lugger::test
