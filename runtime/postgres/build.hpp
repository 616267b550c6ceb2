// Building one index: plain where nobody can be kept waiting, CONCURRENTLY elsewhere; no INVALID
// index stays behind.
#pragma once
#include "postgres/crew.hpp"

namespace lugger {

/// Builds the index of a step unless it stands. An INVALID leftover of an earlier build is dropped
/// first; one that another session is building is waited for.
void build_index(CrewMember& member, const CrewTask& task);

}  // namespace lugger
