// native.pg(url): SQL from scripts and the prompt.
#include "base/url.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/signals.hpp"
#include "bindings/userdata.hpp"
#include "postgres/leave.hpp"
#include "postgres/parameters.hpp"
#include "postgres/server.hpp"
#include "postgres/session.hpp"
#include "postgres/settings.hpp"

namespace lugger {

namespace {

struct LuaPg {
  std::shared_ptr<PgServer> server;  // must outlive the session
  std::unique_ptr<PgSession> session;
  bool pooled = false;
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
  set(L, "types", result.types());
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

static PgSession& session_of(lua_State* L, int argument) {
  return *check_userdata<LuaPg>(L, argument).session;
}

static int open_session(lua_State* L) {
  auto pg = std::make_shared<LuaPg>();
  const std::string url = resolve_pg_url(std::string(check_text(L, 1)), pg->server);
  const std::string purpose(text_or(L, 2, "script"));
  // "detect": detects a pooler, and sets nothing before that.
  const bool detect = lua_type(L, 3) == LUA_TSTRING && check_text(L, 3) == "detect";
  // In all sessions except a script's, lugger runs statements of its own.
  const PgPath path = purpose == "script" ? PgPath::kUser : PgPath::kTables;
  pg->session = detect ? PgSession::find_out(url, purpose, path)
                       : std::make_unique<PgSession>(url, purpose, lua_toboolean(L, 3) != 0, path);
  pg->pooled = pg->session->pooled();
  pg->session->keep_bare();
  push_userdata(L, std::move(pg));
  return 1;
}

/// A stop order that only the next signal raises. An earlier signal does not count, because the
/// script may now be tidying up after it.
static StopOrder next_signal() {
  const StopLevel level = signal_stop().level();
  return {&signal_stop(), level == StopLevel::kNone ? StopLevel::kFinish : StopLevel::kNow,
          level == StopLevel::kNow};
}

/// Turns the cancellation of a statement by a signal into the error "interrupted".
template <typename Work>
auto interruptible(Work work) {
  const StopScope scope(next_signal());
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() == Code::kInterrupted)
      throw Error(Code::kInterrupted, "interrupted; the statement was cancelled");
    throw;
  }
}

static int query(lua_State* L) {
  PgSession& session = session_of(L, 1);
  const std::string sql(check_text(L, 2));
  const PgParams params = read_params(L, 3);
  push_rows(L, interruptible([&] { return session.query(sql, params); }));
  return 1;
}

/// The OIDs of the types of the parameters; nothing is run.
static int parameter_types(lua_State* L) {
  PgSession& session = session_of(L, 1);
  const std::string sql(check_text(L, 2));
  push(L, interruptible([&] { return pg_parameter_types(session, sql); }));
  return 1;
}

static int leave(lua_State* L) {
  pg_leave(session_of(L, 1), std::string(check_text(L, 2)));
  return 0;
}
static int cancel(lua_State* L) {
  session_of(L, 1).cancel();
  return 0;
}

static int begin(lua_State* L) {
  session_of(L, 1).begin();
  return 0;
}
static int commit(lua_State* L) {
  session_of(L, 1).commit();
  return 0;
}
static int rollback(lua_State* L) {
  session_of(L, 1).rollback();
  return 0;
}
static int in_transaction(lua_State* L) {
  push(L, session_of(L, 1).in_transaction());
  return 1;
}
static int alive(lua_State* L) {
  push(L, session_of(L, 1).alive());
  return 1;
}
static int pooled(lua_State* L) {
  push(L, check_userdata<LuaPg>(L, 1).pooled);
  return 1;
}
static int notices(lua_State* L) {
  push(L, session_of(L, 1).take_notices());
  return 1;
}

/// copy(out_sql, other, in_sql): sends the output of one COPY into another, without keeping it in
/// memory.
static int copy(lua_State* L) {
  PgSession& from = session_of(L, 1);
  PgSession& to = session_of(L, 3);
  from.copy_out_start(std::string(check_text(L, 2)));
  to.copy_in_start(std::string(check_text(L, 4)));
  Bytes message;
  while (from.copy_out_get(message)) to.copy_in_put(message);
  push(L, to.copy_in_end());
  return 1;
}

/// copy_in(sql, data): COPY ... FROM stdin with text data; returns the number of rows.
static int copy_in(lua_State* L) {
  PgSession& session = session_of(L, 1);
  const std::string sql(check_text(L, 2));
  const std::string_view data = check_text(L, 3);
  push(L, interruptible([&] {
         session.copy_in_start(sql);
         session.copy_in_put({reinterpret_cast<const uint8_t*>(data.data()), data.size()});
         return session.copy_in_end();
       }));
  return 1;
}

static int server_version(lua_State* L) {
  const int version = check_userdata<LuaPg>(L, 1).session->server_version();
  push(L, fmt::format("{}.{}", version / 10000, version % 10000));
  return 1;
}

/// Servers that native.pg_url started run until the Lua state is closed.
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

static int pg_program_place(lua_State* L) {
  const ProgramPlace place = place_for_programs(std::string(check_text(L, 1)));
  push(L, place.conninfo);
  if (place.password.empty()) return 1;
  push(L, place.password);
  return 2;
}

static constexpr luaL_Reg kMethods[] = {
    {"query", guarded<query>},
    {"parameter_types", guarded<parameter_types>},
    {"leave", guarded<leave>},
    {"cancel", guarded<cancel>},
    {"begin", guarded<begin>},
    {"commit", guarded<commit>},
    {"rollback", guarded<rollback>},
    {"in_transaction", guarded<in_transaction>},
    {"alive", guarded<alive>},
    {"pooled", guarded<pooled>},
    {"notices", guarded<notices>},
    {"copy", guarded<copy>},
    {"copy_in", guarded<copy_in>},
    {"server", guarded<server_version>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"pg", guarded<open_session>},
    {"pg_url", guarded<pg_url>},
    {"pg_program_place", guarded<pg_program_place>},
    {nullptr, nullptr},
};

void open_pg(lua_State* L) {
  define_userdata<LuaPg>(L, kMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
