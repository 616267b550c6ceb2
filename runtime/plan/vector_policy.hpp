// What a column's policies have against a vector that its type can hold.
#pragma once
#include "plan/coercer.hpp"

namespace lugger {

/// Of a vector, halfvec or sparsevec as the coercer made it.
Failure check_policies(const Coercer& c, const Value& vector) noexcept;

}  // namespace lugger
