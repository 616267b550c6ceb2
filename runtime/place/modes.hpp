// Words for TargetReport::mode that mean the same in every target.
#pragma once
#include <string_view>

namespace lugger {

/// No run may begin, for the reason that mode_reason gives; one that is open may go on, in its own
/// mode.
inline constexpr std::string_view kRefusedMode = "refused";

}  // namespace lugger
