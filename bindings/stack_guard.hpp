// The C stack of a thread: Lua's own limit counts its slots, not what C functions between them use.
#pragma once
#include <lua.hpp>

namespace lugger {

/// Whether so little of this thread's stack is left that nothing may be called that calls Lua
/// again.
bool stack_is_short() noexcept;

/// lua_CFunction: raises "stack overflow" where the stack is short.
int check_stack(lua_State* L);

}  // namespace lugger
