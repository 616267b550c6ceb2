// Checks the C stack of a thread. Lua's own limit counts only its slots, not the stack that C
// functions use between them.
#pragma once
#include <lua.hpp>

namespace lugger {

/// True when this thread's stack is so nearly used up that no function may be called that calls Lua
/// again.
bool stack_is_short() noexcept;

/// lua_CFunction: raises "stack overflow" when the stack is short.
int check_stack(lua_State* L);

}  // namespace lugger
