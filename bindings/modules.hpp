// require 'lugger.native': every function C++ gives to Lua by the C API, one table of them a file.
#pragma once
#include <lua.hpp>
#include <string_view>

#include "base/stop.hpp"

namespace lugger {

/// Fills package.loaded['lugger.native'].
int open_native(lua_State* L);

// Each adds its functions to the table at the top of the stack and makes its metatables.
void open_job(lua_State* L);
void open_task(lua_State* L);
void open_state(lua_State* L);
void open_source(lua_State* L);
void open_census(lua_State* L);
void open_target(lua_State* L);
void open_pg(lua_State* L);
void open_sql(lua_State* L);
void open_lease(lua_State* L);
void open_value(lua_State* L);
void open_coercer(lua_State* L);
void open_system(lua_State* L);
void open_process(lua_State* L);
void open_edit(lua_State* L);
void open_verify(lua_State* L);
void open_fix(lua_State* L);
void open_prompt(lua_State* L);
void open_records(lua_State* L);

/// Adds the functions of a nullptr-terminated list to the table at the top of the stack.
void add_functions(lua_State* L, const luaL_Reg* list);
/// The same into a table of that name inside it, made when missing.
void add_functions(lua_State* L, const char* name, const luaL_Reg* list);

/// The stop that signals raise: read by the control state, passed on to runs.
StopFlag& signal_stop() noexcept;

}  // namespace lugger
