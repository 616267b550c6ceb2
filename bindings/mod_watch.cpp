// native.watch(jobs, seconds): what is looked at beside jobs that are moved; native.metrics(port).
#include "base/gate.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/tables.hpp"
#include "bindings/userdata.hpp"
#include "engine/metrics_port.hpp"
#include "engine/move_watch.hpp"

namespace lugger {

namespace {

/// It uses its jobs, so it keeps them alive.
struct LuaWatch {
  std::vector<std::shared_ptr<Job>> jobs;
  std::unique_ptr<MoveWatch> watch;
};

}  // namespace

template <>
struct UserdataName<LuaWatch> {
  static constexpr char value[] = "lugger.native.watch";
};

static int watch_new(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  auto made = std::make_shared<LuaWatch>();
  std::vector<Job*> jobs;
  for (int i = 1;; ++i) {
    lua_rawgeti(L, 1, i);
    if (lua_isnil(L, -1)) break;
    made->jobs.push_back(userdata_pointer<Job>(L, lua_gettop(L)));
    jobs.push_back(made->jobs.back().get());
    lua_pop(L, 1);
  }
  made->watch = std::make_unique<MoveWatch>(jobs, luaL_checknumber(L, 2));
  push_userdata(L, std::move(made));
  return 1;
}

static MoveWatch& watch_of(lua_State* L) { return *check_userdata<LuaWatch>(L, 1).watch; }

/// Of a job, by its place in the list.
static size_t job_at(lua_State* L) {
  const lua_Integer place = luaL_checkinteger(L, 2);
  const size_t jobs = check_userdata<LuaWatch>(L, 1).jobs.size();
  if (place < 1 || static_cast<size_t>(place) > jobs)
    raise(Code::kBug, "there is no job {}", place);
  return static_cast<size_t>(place) - 1;
}

static int seen(lua_State* L) {
  push(L, watch_of(L).seen(job_at(L)));
  return 1;
}

static int rejects(lua_State* L) {
  const RejectsSeen found = watch_of(L).rejects(job_at(L));
  if (!found.known) return 0;
  push(L, found.rejects);
  push(L, found.stale);
  return 2;
}

static int tell(lua_State* L) {
  const auto seconds = static_cast<uint64_t>(luaL_checknumber(L, 3));
  watch_of(L).tell(job_at(L), seconds << 32, std::string(check_text(L, 4)),
                   lua_toboolean(L, 5) != 0);
  return 0;
}

template <>
struct UserdataName<MetricsPort> {
  static constexpr char value[] = "lugger.native.metrics";
};

static int metrics_new(lua_State* L) {
  const auto port = static_cast<uint16_t>(luaL_checkinteger(L, 1));
  push_userdata(L, std::make_shared<MetricsPort>(port));
  return 1;
}

static int metrics_port(lua_State* L) {
  push(L, static_cast<int>(check_userdata<MetricsPort>(L, 1).port()));
  return 1;
}

static int metrics_set(lua_State* L) {
  check_userdata<MetricsPort>(L, 1).set(std::string(check_text(L, 2)));
  return 0;
}

static constexpr luaL_Reg kMetrics[] = {
    {"port", guarded<metrics_port>},
    {"set", guarded<metrics_set>},
    {nullptr, nullptr},
};
/// From now on a connection to `old` is made as to `renewed`.
static int renew(lua_State* L) {
  renew_place(std::string(check_text(L, 1)), std::string(check_text(L, 2)));
  return 0;
}

static constexpr luaL_Reg kMethods[] = {
    {"seen", guarded<seen>},
    {"rejects", guarded<rejects>},
    {"tell", guarded<tell>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"watch", guarded<watch_new>},
    {"metrics", guarded<metrics_new>},
    {"renew_place", guarded<renew>},
    {nullptr, nullptr},
};

void open_watch(lua_State* L) {
  define_userdata<LuaWatch>(L, kMethods);
  define_userdata<MetricsPort>(L, kMetrics);
  add_functions(L, kFunctions);
}

}  // namespace lugger
