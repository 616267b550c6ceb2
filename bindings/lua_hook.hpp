// The hook of a job: each worker has its own Lua state and calls it once a batch.
#pragma once
#include <lua.hpp>

#include "bindings/shared_table.hpp"
#include "engine/job.hpp"

namespace lugger {

/// A function and what it has captured, as stdlib/inner/script/capture.lua packs it: by value, except for
/// shared tables.
struct PackedHook {
  std::string text;
  std::vector<SharedUse> shared;
};
/// The table { text =, shared = } at the top of the stack, which stays there.
PackedHook read_packed_hook(lua_State* L);

HookFactory hook_factory(PackedHook packed, OnHookError on_error, std::string stdlib);

}  // namespace lugger
