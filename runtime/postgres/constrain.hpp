// Adds one constraint without blocking others for long: NOT VALID at once, then VALIDATE while
// others read and write.
#pragma once
#include "postgres/crew.hpp"

namespace lugger {

/// Does what is left of a step. A refused task goes as far as possible: a check or foreign key
/// stays NOT VALID, a unique constraint is left out, and a note says so.
void constrain(CrewMember& member, const CrewTask& task);

}  // namespace lugger
