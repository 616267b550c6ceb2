// native.lease(url, schema, pooled): lets one process at a time work, with a row that names it.
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/userdata.hpp"
#include "postgres/lease.hpp"
#include "postgres/session.hpp"

namespace lugger {

namespace {

struct LuaLease {
  LuaLease(const std::string& url, const std::string& schema, bool pooled)
      : session(url, "lease", pooled, PgPath::kCatalog), lease(url, schema, pooled) {}
  ~LuaLease() {
    if (session.alive()) lease.release(session);
  }
  LuaLease(const LuaLease&) = delete;
  LuaLease& operator=(const LuaLease&) = delete;
  PgSession session;
  PgLease lease;
};

}  // namespace

template <>
struct UserdataName<LuaLease> {
  static constexpr char value[] = "lugger.native.lease";
};

static int make(lua_State* L) {
  push_userdata(
      L, std::make_shared<LuaLease>(std::string(check_text(L, 1)), std::string(check_text(L, 2)),
                                    lua_toboolean(L, 3) != 0));
  return 1;
}

/// Returns true, or false and the holder.
static int take(lua_State* L) {
  LuaLease& held = check_userdata<LuaLease>(L, 1);
  std::string holder;
  const bool mine = held.lease.take(held.session, std::string(check_text(L, 2)), holder);
  push(L, mine);
  if (mine) return 1;
  push(L, holder);
  return 2;
}

static int token(lua_State* L) {
  push(L, check_userdata<LuaLease>(L, 1).lease.token());
  return 1;
}

static constexpr luaL_Reg kMethods[] = {
    {"take", guarded<take>},
    {"token", guarded<token>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"lease", guarded<make>},
    {nullptr, nullptr},
};

void open_lease(lua_State* L) {
  define_userdata<LuaLease>(L, kMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
