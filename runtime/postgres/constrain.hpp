// Adding one constraint so that nobody is kept waiting: NOT VALID in an instant, VALIDATE beside
// the traffic.
#pragma once
#include "postgres/crew.hpp"

namespace lugger {

/// Does what is left of a step. A refused task goes as far as it can: a check or foreign key stays
/// NOT VALID, a unique constraint is left out; both are noted.
void constrain(CrewMember& member, const CrewTask& task);

}  // namespace lugger
