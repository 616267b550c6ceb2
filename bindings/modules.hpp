// require 'lugger.native': all functions that C++ gives to Lua by the C API. Each file has one
// table of them.
#pragma once
#include <lua.hpp>
#include <string_view>

#include "base/stop.hpp"

namespace lugger {

/// Fills package.loaded['lugger.native'].
int open_native(lua_State* L);

// Each adds its functions to the table at the top of the stack and creates its metatables.
void open_job(lua_State* L);
void open_task(lua_State* L);
void open_state(lua_State* L);
void open_source(lua_State* L);
void open_census(lua_State* L);
void open_target(lua_State* L);
void open_pg(lua_State* L);
void open_sql(lua_State* L);
void open_lease(lua_State* L);
void open_throttle(lua_State* L);
void open_value(lua_State* L);
void open_coercer(lua_State* L);
void open_csv(lua_State* L);
void open_system(lua_State* L);
void open_process(lua_State* L);
void open_edit(lua_State* L);
void open_embed(lua_State* L);
void open_verify(lua_State* L);
void open_fix(lua_State* L);
void open_prompt(lua_State* L);
void open_records(lua_State* L);
void open_shared(lua_State* L);
void open_watch(lua_State* L);

/// Adds the functions of a nullptr-terminated list to the table at the top of the stack.
void add_functions(lua_State* L, const luaL_Reg* list);
/// The same for the table of that name inside it, which is created if missing.
void add_functions(lua_State* L, const char* name, const luaL_Reg* list);

/// The stop that signals set. The control state reads it and passes it on to runs.
StopFlag& signal_stop() noexcept;

}  // namespace lugger
