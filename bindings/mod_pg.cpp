// native.pg(url): SQL from scripts and the prompt.
#include "base/url.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/userdata.hpp"
#include "net/pg_server.hpp"
#include "net/pg_session.hpp"

namespace lugger {

namespace {

struct LuaPg {
  std::shared_ptr<PgServer> server;  // outlives the session
  std::unique_ptr<PgSession> session;
};

PgParams read_params(lua_State* L, int index) {
  PgParams params;
  if (lua_isnoneornil(L, index)) return params;
  luaL_checktype(L, index, LUA_TTABLE);
  for (int i = 1;; ++i) {
    lua_rawgeti(L, index, i);
    if (lua_isnil(L, -1)) break;
    params.push_back(lua_islightuserdata(L, -1) ? std::nullopt
                                                : std::make_optional(to_text(L, -1)));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return params;
}

void push_rows(lua_State* L, const PgRows& result) {
  lua_newtable(L);
  set(L, "names", result.names());
  set(L, "affected", result.affected());
  lua_createtable(L, static_cast<int>(result.size()), 0);
  for (size_t row = 0; row < result.size(); ++row) {
    lua_createtable(L, static_cast<int>(result[row].size()), 0);
    for (size_t column = 0; column < result[row].size(); ++column) {
      const auto& value = result[row][column];
      if (value) {
        push(L, *value);
      } else {
        lua_pushlightuserdata(L, nullptr);
      }
      lua_rawseti(L, -2, static_cast<int>(column) + 1);
    }
    lua_rawseti(L, -2, static_cast<int>(row) + 1);
  }
  lua_setfield(L, -2, "rows");
}

}  // namespace

template <>
struct UserdataName<LuaPg> {
  static constexpr char value[] = "lugger.native.pg";
};

static int open_session(lua_State* L) {
  auto pg = std::make_shared<LuaPg>();
  const std::string url = resolve_pg_url(std::string(check_text(L, 1)), pg->server);
  pg->session = std::make_unique<PgSession>(url, std::string(text_or(L, 2, "script")));
  push_userdata(L, std::move(pg));
  return 1;
}

static int query(lua_State* L) {
  PgSession& session = *check_userdata<LuaPg>(L, 1).session;
  push_rows(L, session.query(std::string(check_text(L, 2)), read_params(L, 3)));
  return 1;
}

static int server_version(lua_State* L) {
  const int version = check_userdata<LuaPg>(L, 1).session->server_version();
  push(L, fmt::format("{}.{}", version / 10000, version % 10000));
  return 1;
}

/// Servers that native.pg_url started: alive until the Lua state is closed.
static int pg_url(lua_State* L) {
  auto kept = std::make_shared<LuaPg>();
  const std::string url = resolve_pg_url(std::string(check_text(L, 1)), kept->server);
  if (kept->server) {
    push_userdata(L, std::move(kept));
    luaL_ref(L, LUA_REGISTRYINDEX);
  }
  push(L, url);
  return 1;
}

static constexpr luaL_Reg kMethods[] = {
    {"query", guarded<query>},
    {"server", guarded<server_version>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"pg", guarded<open_session>},
    {"pg_url", guarded<pg_url>},
    {nullptr, nullptr},
};

void open_pg(lua_State* L) {
  define_userdata<LuaPg>(L, kMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
