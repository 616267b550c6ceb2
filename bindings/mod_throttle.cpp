// native.throttle(url, limits, pooled): watches the health of a database for work that Lua does.
#include "bindings/fix_spec.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/userdata.hpp"
#include "engine/throttle.hpp"
#include "postgres/health.hpp"

namespace lugger {

template <>
struct UserdataName<Throttle> {
  static constexpr char value[] = "lugger.native.throttle";
};

static int make(lua_State* L) {
  lua_settop(L, 3);
  const std::string url(check_text(L, 1));
  const bool pooled = lua_toboolean(L, 3) != 0;
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_pushvalue(L, 2);
  push_userdata(L, std::make_shared<Throttle>(make_pg_health(url, pooled), read_throttle(L)));
  return 1;
}

static int reason(lua_State* L) {
  push(L, check_userdata<Throttle>(L, 1).reason());
  return 1;
}

static constexpr luaL_Reg kMethods[] = {
    {"reason", guarded<reason>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"throttle", guarded<make>},
    {nullptr, nullptr},
};

void open_throttle(lua_State* L) {
  define_userdata<Throttle>(L, kMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
