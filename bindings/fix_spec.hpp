// What scripts say of fixes, undos and throttling, from the tables that stdlib/inner/fix/fix.lua
// makes.
#pragma once
#include <lua.hpp>

#include "fix/run.hpp"

namespace lugger {

FixSpec read_fix_spec(lua_State* L, int index);
UndoSpec read_undo_spec(lua_State* L, int index);
FixSettings read_fix_settings(lua_State* L, int index);
/// A throttle table at the top of the stack; lengths of time are in seconds already.
ThrottleSpec read_throttle(lua_State* L);

}  // namespace lugger
