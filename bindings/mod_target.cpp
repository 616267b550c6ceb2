// native.target(place, options): inspects a target.
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/tables.hpp"
#include "bindings/userdata.hpp"
#include "bindings/words.hpp"
#include "place/target.hpp"
#include "registry/registry.hpp"

namespace lugger {

template <>
struct UserdataName<Target> {
  static constexpr char value[] = "lugger.native.target";
};

static int target_new(lua_State* L) {
  push_userdata<Target>(L,
                        open_target(std::string(check_text(L, 1)), read_options(L, 2, "target")));
  return 1;
}

static int target_columns(lua_State* L) {
  push_list(L, check_userdata<Target>(L, 1).columns(std::string(check_text(L, 2))));
  return 1;
}

static int target_place(lua_State* L) {
  push(L, check_userdata<Target>(L, 1).place());
  return 1;
}

static int options_of_target(lua_State* L) {
  push_list(L, target_options(std::string(check_text(L, 1))));
  return 1;
}

static constexpr luaL_Reg kMethods[] = {
    {"columns", guarded<target_columns>},
    {"place", guarded<target_place>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"target", guarded<target_new>},
    {"target_options", guarded<options_of_target>},
    {nullptr, nullptr},
};

void open_target(lua_State* L) {
  define_userdata<Target>(L, kMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
