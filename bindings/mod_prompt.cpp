// native.prompt: runs SQL typed at the prompt, and gives the display width of text.
#include <cwchar>

#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/signals.hpp"
#include "bindings/userdata.hpp"
#include "postgres/fetch.hpp"
#include "postgres/parameters.hpp"
#include "postgres/server.hpp"

namespace lugger {

namespace {

struct LuaPrompt {
  std::shared_ptr<PgServer> server;  // must outlive the session
  std::unique_ptr<PgSession> session;
};

PgParams read_params(lua_State* L, int index) {
  PgParams params;
  if (lua_isnoneornil(L, index)) return params;
  luaL_checktype(L, index, LUA_TTABLE);
  lua_getfield(L, index, "n");
  const int count = lua_isnumber(L, -1) ? static_cast<int>(lua_tointeger(L, -1))
                                        : static_cast<int>(lua_objlen(L, index));
  lua_pop(L, 1);
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, index, i);
    const bool null = lua_isnil(L, -1) || lua_islightuserdata(L, -1);
    params.push_back(null ? std::nullopt : std::make_optional(to_text(L, -1)));
    lua_pop(L, 1);
  }
  return params;
}

/// Pushes rows as lists. NULL is false, so that the lists have no holes.
void push_rows(lua_State* L, const PgResultSet& result) {
  lua_createtable(L, static_cast<int>(result.rows.size()), 0);
  int place = 0;
  for (const auto& row : result.rows) {
    lua_createtable(L, static_cast<int>(row.size()), 0);
    int column = 0;
    for (const auto& value : row) {
      if (value) {
        push(L, *value);
      } else {
        lua_pushboolean(L, 0);
      }
      lua_rawseti(L, -2, ++column);
    }
    lua_rawseti(L, -2, ++place);
  }
}

void push_fetched(lua_State* L, const PgFetched& fetched) {
  lua_newtable(L);
  int place = 0;
  for (const PgResultSet& result : fetched.results) {
    lua_newtable(L);
    set(L, "names", result.names);
    set(L, "types", result.types);
    set(L, "count", result.count);
    set(L, "affected", result.affected);
    set(L, "command", result.command);
    push_rows(L, result);
    lua_setfield(L, -2, "rows");
    lua_rawseti(L, -2, ++place);
  }
  set(L, "notices", fetched.notices);
}

}  // namespace

template <>
struct UserdataName<LuaPrompt> {
  static constexpr char value[] = "lugger.native.prompt";
};

static int open_prompt_session(lua_State* L) {
  auto made = std::make_shared<LuaPrompt>();
  const std::string url = resolve_pg_url(std::string(check_text(L, 1)), made->server);
  made->session = std::make_unique<PgSession>(url, "prompt", false, PgPath::kUser);
  push_userdata(L, std::move(made));
  return 1;
}

static int fetch(lua_State* L) {
  PgSession& session = *check_userdata<LuaPrompt>(L, 1).session;
  const std::string sql(check_text(L, 2));
  const PgParams params = read_params(L, 3);
  FetchBounds bounds;
  bounds.rows = static_cast<uint64_t>(luaL_optnumber(L, 4, 0));
  PgFetched fetched;
  {
    const HeldInterrupt held;  // the server cancels the statement and reports it
    fetched = pg_fetch(session, sql, params, bounds, signal_stop());
  }
  push_fetched(L, fetched);
  return 1;
}

static int transaction(lua_State* L) {
  static constexpr std::array<std::string_view, 4> kWords = {"none", "open", "failed", "lost"};
  const auto& pointer = userdata_pointer<LuaPrompt>(L, 1);
  const PgTransaction state = pointer ? pg_transaction(*pointer->session) : PgTransaction::kLost;
  push(L, kWords[static_cast<size_t>(state)]);
  return 1;
}

/// The OIDs of the types of the parameters; nothing is run.
static int parameter_types(lua_State* L) {
  PgSession& session = *check_userdata<LuaPrompt>(L, 1).session;
  const std::string sql(check_text(L, 2));
  std::vector<uint32_t> types;
  {
    const HeldInterrupt held;
    const StopScope scope(signal_stop(), StopLevel::kFinish);
    types = pg_parameter_types(session, sql);
  }
  push(L, types);
  return 1;
}

/// What no stop keeps from being done.
static int rollback(lua_State* L) {
  check_userdata<LuaPrompt>(L, 1).session->rollback();
  return 0;
}

static int behind_pooler(lua_State* L) {
  push(L, check_userdata<LuaPrompt>(L, 1).session->behind_pooler());
  return 1;
}

static int copy_in_start(lua_State* L) {
  check_userdata<LuaPrompt>(L, 1).session->copy_in_start(std::string(check_text(L, 2)));
  return 0;
}
static int copy_in_put(lua_State* L) {
  const std::string_view data = check_text(L, 2);
  const HeldInterrupt held;
  const StopScope scope(signal_stop(), StopLevel::kFinish);
  check_userdata<LuaPrompt>(L, 1).session->copy_in_put(
      {reinterpret_cast<const uint8_t*>(data.data()), data.size()});
  return 0;
}
static int copy_in_end(lua_State* L) {
  PgSession& session = *check_userdata<LuaPrompt>(L, 1).session;
  try {
    const HeldInterrupt held;
    const StopScope scope(signal_stop(), StopLevel::kFinish);
    push(L, session.copy_in_end());
  } catch (CopyRefused& refused) {
    if (refused.where().row != 0) refused.note("row", std::to_string(refused.where().row));
    throw;
  }
  return 1;
}
static int copy_in_abort(lua_State* L) {
  check_userdata<LuaPrompt>(L, 1).session->copy_in_abort(std::string(check_text(L, 2)));
  return 0;
}

/// Those of what is no fetch.
static int notices(lua_State* L) {
  push(L, check_userdata<LuaPrompt>(L, 1).session->take_notices());
  return 1;
}

static int server_version(lua_State* L) {
  push(L, check_userdata<LuaPrompt>(L, 1).session->server_version());
  return 1;
}

/// -1: a control character, for which the terminal decides.
static int char_width(lua_State* L) {
  push(L, wcwidth(static_cast<wchar_t>(luaL_checkinteger(L, 1))));
  return 1;
}

static constexpr luaL_Reg kMethods[] = {
    {"fetch", guarded<fetch>},
    {"transaction", guarded<transaction>},
    {"parameter_types", guarded<parameter_types>},
    {"rollback", guarded<rollback>},
    {"behind_pooler", guarded<behind_pooler>},
    {"copy_in_start", guarded<copy_in_start>},
    {"copy_in_put", guarded<copy_in_put>},
    {"copy_in_end", guarded<copy_in_end>},
    {"copy_in_abort", guarded<copy_in_abort>},
    {"notices", guarded<notices>},
    {"server_version", guarded<server_version>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"open", guarded<open_prompt_session>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kText[] = {
    {"char_width", guarded<char_width>},
    {nullptr, nullptr},
};

void open_prompt(lua_State* L) {
  define_userdata<LuaPrompt>(L, kMethods);
  add_functions(L, "prompt", kFunctions);
  add_functions(L, "system", kText);
}

}  // namespace lugger
