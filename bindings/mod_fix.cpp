// native.fix(spec), native.undo(spec), native.control(run, request): data fixes, and requests to a
// run of another process.
#include "bindings/fix_spec.hpp"
#include "bindings/fix_tables.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/run_methods.hpp"
#include "engine/control.hpp"
#include "fix/run.hpp"

namespace lugger {

template <>
struct UserdataName<FixRun> {
  static constexpr char value[] = "lugger.native.fix_run";
};

static int fix(lua_State* L) {
  const FixSpec spec = read_fix_spec(L, 1);
  push_userdata(L, std::shared_ptr<FixRun>(start_fix(spec, read_fix_settings(L, 2))));
  return 1;
}

static int undo(lua_State* L) {
  const UndoSpec spec = read_undo_spec(L, 1);
  push_userdata(L, std::shared_ptr<FixRun>(start_undo(spec, read_fix_settings(L, 2))));
  return 1;
}

static int run_report(lua_State* L) {
  auto& run = check_userdata<FixRun>(L, 1);
  run.result();
  push(L, run.report());
  return 1;
}

static int runs_listening(lua_State* L) {
  push(L, control_runs());
  return 1;
}

static int control(lua_State* L) {
  const ControlFacts facts =
      control_request(std::string(check_text(L, 1)), std::string(check_text(L, 2)));
  lua_newtable(L);
  int place = 0;
  for (const auto& [name, value] : facts) {
    lua_newtable(L);
    set(L, "name", name);
    set(L, "value", value);
    lua_rawseti(L, -2, ++place);
  }
  return 1;
}

static constexpr luaL_Reg kMethods[] = {
    {"poll", guarded<RunMethods<FixRun>::poll>},
    {"ended", guarded<RunMethods<FixRun>::ended>},
    {"stop", guarded<RunMethods<FixRun>::stop>},
    {"result", guarded<RunMethods<FixRun>::result>},
    {"report", guarded<run_report>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"fix", guarded<fix>},
    {"undo", guarded<undo>},
    {"control", guarded<control>},
    {"control_runs", guarded<runs_listening>},
    {nullptr, nullptr},
};

void open_fix(lua_State* L) {
  define_userdata<FixRun>(L, kMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
