// native.state(target, options): the ledger of a target.
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/tables.hpp"
#include "bindings/userdata.hpp"
#include "bindings/words.hpp"
#include "place/target.hpp"
#include "postgres/state.hpp"
#include "registry/registry.hpp"

namespace lugger {

namespace {

struct LuaState {
  std::shared_ptr<Target> target;  // must outlive its state
  std::unique_ptr<State> state;
};

}  // namespace

template <>
struct UserdataName<LuaState> {
  static constexpr char value[] = "lugger.native.state";
};

static int state_new(lua_State* L) {
  auto made = std::make_shared<LuaState>();
  made->target = open_target(std::string(check_text(L, 1)), read_options(L, 2, "target"));
  made->state = made->target->state();
  push_userdata(L, std::move(made));
  return 1;
}

static State& state_of(lua_State* L) { return *check_userdata<LuaState>(L, 1).state; }

static int ensure(lua_State* L) {
  state_of(L).ensure();
  return 0;
}

static int runs(lua_State* L) {
  push_list(L, state_of(L).runs(whole_or<size_t>(L, 2, "number", 1, 20)));
  return 1;
}

static int push_run(lua_State* L, const std::optional<RunRecord>& run) {
  if (run) {
    push(L, *run);
  } else {
    lua_pushnil(L);
  }
  return 1;
}

static int find(lua_State* L) {
  return push_run(L, state_of(L).find(std::string(check_text(L, 2))));
}
static int latest(lua_State* L) {
  return push_run(L, state_of(L).latest(std::string(check_text(L, 2))));
}

static int latest_follow(lua_State* L) {
  return push_run(L, state_of(L).latest_follow(std::string(check_text(L, 2))));
}
static int feed(lua_State* L) {
  if (const auto kept = state_of(L).feed(std::string(check_text(L, 2)))) {
    push(L, *kept);
  } else {
    lua_pushnil(L);
  }
  return 1;
}

static int told(lua_State* L) {
  push_list(L, state_of(L).told());
  return 1;
}

static int notices(lua_State* L) {
  push_list(L, state_of(L).notices(std::string(check_text(L, 2))));
  return 1;
}

static int rejects(lua_State* L) {
  const auto limit = whole_or<uint64_t>(L, 3, "limit", 0, 0);
  const auto after = whole_or<int64_t>(L, 4, "after", 0, 0);
  lua_settop(L, 2);
  lua_newtable(L);
  uint64_t count = 0;
  state_of(L).each_reject(
      std::string(check_text(L, 2)),
      [&](const RejectRecord& reject) {
        push(L, reject);
        lua_rawseti(L, 3, static_cast<int>(++count));
        return limit == 0 || count < limit;
      },
      after);
  return 1;
}

static int count_rejects(lua_State* L) {
  push(L, state_of(L).count_rejects(std::string(check_text(L, 2))));
  return 1;
}

static int delete_rejects(lua_State* L) {
  luaL_checktype(L, 2, LUA_TTABLE);
  std::vector<int64_t> numbers;
  for (int i = 1;; ++i) {
    lua_rawgeti(L, 2, i);
    if (lua_isnil(L, -1)) break;
    numbers.push_back(static_cast<int64_t>(luaL_checknumber(L, -1)));
    lua_pop(L, 1);
  }
  state_of(L).delete_rejects(numbers);
  return 0;
}

static int partitions(lua_State* L) {
  push_list(L, state_of(L).partitions(std::string(check_text(L, 2))));
  return 1;
}

static int steps(lua_State* L) {
  push_list(L, state_of(L).steps(std::string(check_text(L, 2))));
  return 1;
}

static int prune(lua_State* L) {
  const Pruned pruned = state_of(L).prune(static_cast<uint64_t>(luaL_checknumber(L, 2)),
                                          static_cast<uint64_t>(luaL_checknumber(L, 3)));
  push(L, pruned.runs);
  push(L, pruned.rejects);
  return 2;
}

static constexpr luaL_Reg kMethods[] = {
    {"ensure", guarded<ensure>},
    {"runs", guarded<runs>},
    {"find", guarded<find>},
    {"latest", guarded<latest>},
    {"latest_follow", guarded<latest_follow>},
    {"feed", guarded<feed>},
    {"told", guarded<told>},
    {"notices", guarded<notices>},
    {"rejects", guarded<rejects>},
    {"count_rejects", guarded<count_rejects>},
    {"delete_rejects", guarded<delete_rejects>},
    {"partitions", guarded<partitions>},
    {"steps", guarded<steps>},
    {"prune", guarded<prune>},
    {nullptr, nullptr},
};
/// The DDL of the ledger's tables, for users who may not create them.
static int ddl(lua_State* L) {
  push(L, state_ddl(std::string(text_or(L, 1, "lugger"))));
  return 1;
}

static constexpr luaL_Reg kFunctions[] = {
    {"state", guarded<state_new>},
    {"state_ddl", guarded<ddl>},
    {nullptr, nullptr},
};

void open_state(lua_State* L) {
  define_userdata<LuaState>(L, kMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
