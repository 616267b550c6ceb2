#include "bindings/modules.hpp"

#include "bindings/abi.h"
#include "bindings/embedded.hpp"
#include "bindings/guard.hpp"
#include "bindings/interpreter.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/stack_guard.hpp"

namespace lugger {

void add_functions(lua_State* L, const luaL_Reg* list) {
  for (; list->name != nullptr; ++list) {
    lua_pushcfunction(L, list->func);
    lua_setfield(L, -2, list->name);
  }
}

void add_functions(lua_State* L, const char* name, const luaL_Reg* list) {
  lua_getfield(L, -1, name);
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
  }
  add_functions(L, list);
  lua_setfield(L, -2, name);
}

static int embedded(lua_State* L) {
  push(L, Interpreter::of(L).find(check_text(L, 1)));
  return 1;
}

static int embedded_names(lua_State* L) {
  const std::string_view prefix = text_or(L, 1, "");
  std::vector<std::string> names;
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name.starts_with(prefix)) names.emplace_back(file.name);
  }
  std::sort(names.begin(), names.end());
  push(L, names);
  return 1;
}

static constexpr luaL_Reg kFunctions[] = {
    {"check_stack", check_stack},
    {"embedded", guarded<embedded>},
    {"embedded_names", guarded<embedded_names>},
    {nullptr, nullptr},
};

int open_native(lua_State* L) {
  lua_newtable(L);
  set(L, "version", LUGGER_VERSION);
  set(L, "abi_version", static_cast<int>(LUG_ABI_VERSION));
  lua_pushlightuserdata(L, nullptr);
  lua_setfield(L, -2, "null");
  open_errors(L);
  add_functions(L, kFunctions);
  for (auto* open : {open_job,    open_task,    open_state,  open_source, open_census,  open_target,
                     open_pg,     open_sql,     open_lease,  open_value,  open_coercer, open_csv,
                     open_system, open_process, open_edit,   open_fix,    open_embed,   open_verify,
                     open_prompt, open_records, open_shared, open_watch,  open_throttle}) {
    open(L);
  }
  return 1;
}

}  // namespace lugger
