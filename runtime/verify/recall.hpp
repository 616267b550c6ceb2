// Whether search finds on both sides what it should: each side's own search against its exact
// neighbours, and the answers of both sides against each other.
#pragma once
#include <functional>

#include "verify/context.hpp"
#include "verify/verdict.hpp"

namespace lugger {

/// After the comparison by value, with its context. Adds to the verdict, which is not equal when
/// the target finds less than it must.
void compare_recall(VerifyContext& context, Verdict& verdict,
                    const std::function<void(const char*)>& stage);

}  // namespace lugger
