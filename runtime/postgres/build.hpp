// Builds one index: without CONCURRENTLY where nobody can be blocked, with it elsewhere. Never
// leaves an INVALID index behind.
#pragma once
#include "postgres/crew.hpp"

namespace lugger {

/// Builds the index of a step unless it exists. First drops an INVALID index of an earlier build,
/// and waits while another session builds the index.
void build_index(CrewMember& member, const CrewTask& task);

}  // namespace lugger
