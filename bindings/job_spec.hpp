// Reads a job's specification from the table that lugger.copy makes.
#pragma once
#include <lua.hpp>

#include "engine/job.hpp"

namespace lugger {

/// Error{config} names the unknown key and the nearest known one.
JobSpec read_job_spec(lua_State* L, int index);
/// Reads the mapping of a task's writer: columns, children, key, on_conflict and so on. The
/// target's options are used for what it does not set.
Mapping read_mapping(lua_State* L, int index, const Options& target_options);

/// Reads an entry of a job's `indexes`.
IndexMapping read_index(lua_State* L, int index);

}  // namespace lugger
