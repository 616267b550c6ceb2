// native.coercer(type, policy): the same coercers that columns use. Values are passed by FFI.
#include "base/arena.hpp"
#include "bindings/abi.h"
#include "bindings/abi_cast.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/userdata.hpp"
#include "bindings/words.hpp"
#include "plan/coercer.hpp"

namespace lugger {

namespace {

struct LuaCoercer {
  LuaCoercer(const ColumnType& type, const CoercePolicy& policy)
      : coercer(type, policy), arena(4096) {}
  Coercer coercer;
  Arena arena;
};

}  // namespace

template <>
struct UserdataName<LuaCoercer> {
  static constexpr char value[] = "lugger.native.coercer";
};

static int make_coercer(lua_State* L) {
  const ColumnType type = parse_column_type(check_text(L, 1));
  CoercePolicy policy;
  if (lua_istable(L, 2)) {
    for (lua_pushnil(L); lua_next(L, 2) != 0; lua_pop(L, 1)) {
      const std::string key = to_text(L, -2);
      if (!read_policy_key(L, key, policy)) unknown_key("a coercer", key, policy_keys());
    }
  }
  push_userdata(L, std::make_shared<LuaCoercer>(type, policy));
  return 1;
}

static int coercer_pointer(lua_State* L) {
  lua_pushlightuserdata(L, &check_userdata<LuaCoercer>(L, 1));
  return 1;
}

static int coercer_type(lua_State* L) {
  push(L, check_userdata<LuaCoercer>(L, 1).coercer.type().sql);
  return 1;
}

static constexpr luaL_Reg kMethods[] = {
    {"pointer", guarded<coercer_pointer>},
    {"type", guarded<coercer_type>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"coercer", guarded<make_coercer>},
    {nullptr, nullptr},
};

void open_coercer(lua_State* L) {
  define_userdata<LuaCoercer>(L, kMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger

using namespace lugger;

extern "C" {

int lug_coerce(void* coercer, const lug_value* in, lug_value* out) noexcept {
  try {
    auto& self = *static_cast<LuaCoercer*>(coercer);
    self.arena.reset();
    Value result;
    const Failure failure = self.coercer(as_value(*in), result, self.arena);
    as_value(*out) = result;
    return static_cast<int>(failure);
  } catch (const std::exception&) {
    return static_cast<int>(Failure::kMalformed);
  }
}

uint32_t lug_coerce_failure(void* coercer, int failure, const lug_value* in, char* out,
                            uint32_t room) noexcept {
  try {
    auto& self = *static_cast<LuaCoercer*>(coercer);
    return give_text(
        describe_failure(static_cast<Failure>(failure), as_value(*in), self.coercer.type().sql),
        out, room);
  } catch (const std::exception&) {
    return 0;
  }
}

}  // extern "C"
