// A job's specification from the table that lugger.copy makes.
#pragma once
#include <lua.hpp>

#include "engine/job.hpp"

namespace lugger {

/// Error{config} names the key that is wrong, with the nearest known one.
JobSpec read_job_spec(lua_State* L, int index);
/// The mapping of a task's writer: columns, children, key, on_conflict ... What it does not say the
/// target's options may.
Mapping read_mapping(lua_State* L, int index, const Options& target_options);

/// An entry of a job's `indexes`.
IndexMapping read_index(lua_State* L, int index);

}  // namespace lugger
