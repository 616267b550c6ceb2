// native.fix(spec), native.undo(spec), native.control(run, request): data fixes, and runs reached
// from outside.
#include "bindings/fix_spec.hpp"
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

static void push(lua_State* L, const FixSample::Cell& cell) {
  lua_newtable(L);
  set(L, "field", cell.field);
  set(L, "before", cell.before);
  set(L, "after", cell.after);
}

static void push(lua_State* L, const FixSample& sample) {
  lua_newtable(L);
  set(L, "key", sample.key);
  set_list(L, "cells", sample.cells);
}

static void push(lua_State* L, const FixRefusal& refusal) {
  lua_newtable(L);
  set(L, "key", refusal.key);
  set(L, "code", refusal.code);
  set(L, "message", refusal.message);
}

static void push(lua_State* L, const FixFieldReport::Pair& pair) {
  lua_newtable(L);
  set(L, "before", pair.before);
  set(L, "after", pair.after);
  set(L, "rows", pair.rows);
}

static void push(lua_State* L, const FixFieldReport& field) {
  lua_newtable(L);
  set(L, "field", field.field);
  set(L, "rows", field.rows);
  set(L, "more", field.more);
  set_list(L, "pairs", field.pairs);
}

static void push(lua_State* L, const FixReport& report) {
  lua_newtable(L);
  set(L, "kind", report.kind);
  set(L, "table", report.table);
  set(L, "where", report.where);
  set(L, "applied", report.applied);
  set(L, "retried", report.retried);
  set(L, "counted", report.counted);
  set(L, "triggers", report.triggers);
  set(L, "notes", report.notes);
  set(L, "images_until", report.images_until);
  set_list(L, "fields", report.fields);
  set_list(L, "samples", report.samples);
  set_list(L, "refusals", report.refusals);
}

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
