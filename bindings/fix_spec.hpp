// Reads fixes, undos and throttling from the tables that stdlib/inner/fix/fix.lua makes.
#pragma once
#include <lua.hpp>

#include "fix/run.hpp"

namespace lugger {

FixSpec read_fix_spec(lua_State* L, int index);
UndoSpec read_undo_spec(lua_State* L, int index);
FixSettings read_fix_settings(lua_State* L, int index);
/// Reads a throttle table at the top of the stack; durations are already in seconds.
ThrottleSpec read_throttle(lua_State* L);

}  // namespace lugger
