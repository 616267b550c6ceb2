// native.task: the native part of tasks. stdlib/inner/job/task.lua makes the objects that scripts
// use.
#include <map>

#include "bindings/batch_view.hpp"
#include "bindings/fix_spec.hpp"
#include "bindings/job_spec.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/run_methods.hpp"
#include "bindings/tables.hpp"
#include "bindings/userdata.hpp"
#include "bindings/words.hpp"
#include "engine/task.hpp"
#include "registry/registry.hpp"

namespace lugger {

namespace {

struct LuaTask {
  explicit LuaTask(TaskSpec spec) : task(std::move(spec)) {}
  LuaTask(const LuaTask&) = delete;
  LuaTask& operator=(const LuaTask&) = delete;
  ~LuaTask() { retire(); }
  /// A commit or rollback invalidates all batches read so far.
  void retire() noexcept {
    for (auto& [batch, view] : views) retire_view(*view);
  }
  operator Run&() noexcept { return task; }
  Task task;
  std::map<Batch*, lug_batch*> views;  // one for each batch; the task reuses batches
};

}  // namespace

template <>
struct UserdataName<LuaTask> {
  static constexpr char value[] = "lugger.native.task";
};

/// native.task(name, script_hash, resume_command, settings, now)
static int task_new(lua_State* L) {
  TaskSpec spec;
  spec.name = check_text(L, 1);
  spec.script_hash = text_or(L, 2, "");
  spec.resume_command = text_or(L, 3, "");
  spec.settings = read_settings(L, 4);
  spec.now = text_or(L, 5, "");
  push_userdata(L, std::make_shared<LuaTask>(std::move(spec)));
  return 1;
}

static LuaTask& self_of(lua_State* L) { return check_userdata<LuaTask>(L, 1); }
static size_t cursor_number(lua_State* L) { return static_cast<size_t>(luaL_checkinteger(L, 2)); }

static int task_cursor(lua_State* L) {
  auto source = open_source(std::string(check_text(L, 2)), read_options(L, 3, "source"));
  push(L, self_of(L).task.add_cursor(std::move(source),
                                     whole_or<uint32_t>(L, 4, "batch_rows", 1, 1000)));
  return 1;
}

static int task_next(lua_State* L) {
  LuaTask& self = self_of(L);
  Batch* batch = self.task.next(cursor_number(L));
  if (batch == nullptr) {
    lua_pushnil(L);
    return 1;
  }
  lug_batch*& view = self.views[batch];
  if (view == nullptr) view = new_view(L);
  show_batch(*view, *batch);
  lua_pushlightuserdata(L, view);
  return 1;
}

static int task_exhausted(lua_State* L) {
  push(L, self_of(L).task.exhausted(cursor_number(L)));
  return 1;
}

static int task_position(lua_State* L) {
  push(L, self_of(L).task.position(cursor_number(L)));
  return 1;
}

static int task_now(lua_State* L) {
  push(L, self_of(L).task.now());
  return 1;
}

static int task_writer(lua_State* L) {
  TaskOutput output;
  output.target = check_text(L, 2);
  output.options = read_options(L, 3, "target");
  output.mapping = read_mapping(L, 4, output.options);
  lua_settop(L, 5);
  if (!lua_isnil(L, 5)) output.throttle = read_throttle(L);
  self_of(L).task.set_writer(std::move(output));
  return 0;
}

static int task_write(lua_State* L) {
  luaL_checktype(L, 2, LUA_TLIGHTUSERDATA);
  self_of(L).task.write(*static_cast<Batch*>(static_cast<lug_batch*>(lua_touserdata(L, 2))->self));
  return 0;
}

static int task_add(lua_State* L) {
  self_of(L).task.add(as_bytes(check_text(L, 2)));
  return 0;
}

/// task:reject(view, index, column, message): rejects the document at an index of a batch.
static int task_reject(lua_State* L) {
  luaL_checktype(L, 2, LUA_TLIGHTUSERDATA);
  const Batch& batch = *static_cast<Batch*>(static_cast<lug_batch*>(lua_touserdata(L, 2))->self);
  const auto index = static_cast<size_t>(luaL_checkinteger(L, 3));
  if (index >= batch.documents.size()) raise(Code::kBug, "the batch has no document {}", index);
  self_of(L).task.reject(batch.documents[index], std::string(text_or(L, 4, "")),
                         std::string(check_text(L, 5)));
  return 0;
}

/// task:commit(position): false when the connection was lost; call it again later.
static int task_commit(lua_State* L) {
  LuaTask& self = self_of(L);
  self.retire();
  push(L, self.task.commit(std::string(check_text(L, 2))));
  return 1;
}

static int task_may_go_on(lua_State* L) {
  push(L, self_of(L).task.may_go_on());
  return 1;
}

static int task_waits_for(lua_State* L) {
  push(L, self_of(L).task.waits_for());
  return 1;
}

static int task_stopping(lua_State* L) {
  push(L, self_of(L).task.stopping());
  return 1;
}

static int task_rollback(lua_State* L) {
  LuaTask& self = self_of(L);
  self.retire();
  self.task.rollback();
  return 0;
}

/// task:finish(status, error): begins the end of the run. The error is an object or text; nil:
/// none.
static int task_finish(lua_State* L) {
  LuaTask& self = self_of(L);
  const RunStatus status = RunStatus::of(check_text(L, 2));
  self.retire();
  lua_settop(L, 3);
  if (lua_isnil(L, 3)) {
    self.task.end(status, nullptr);
  } else {
    const Error error = pop_error(L, Code::kHook);
    self.task.end(status, &error);
  }
  return 0;
}

static int task_tally(lua_State* L) {
  push(L, self_of(L).task.tally());
  return 1;
}

static constexpr luaL_Reg kMethods[] = {
    {"add_cursor", guarded<task_cursor>},
    {"next", guarded<task_next>},
    {"exhausted", guarded<task_exhausted>},
    {"position", guarded<task_position>},
    {"now", guarded<task_now>},
    {"set_writer", guarded<task_writer>},
    {"write", guarded<task_write>},
    {"add", guarded<task_add>},
    {"reject", guarded<task_reject>},
    {"commit", guarded<task_commit>},
    {"rollback", guarded<task_rollback>},
    {"may_go_on", guarded<task_may_go_on>},
    {"waits_for", guarded<task_waits_for>},
    {"stopping", guarded<task_stopping>},
    {"finish", guarded<task_finish>},
    {"poll", guarded<RunMethods<LuaTask>::poll>},
    {"ended", guarded<RunMethods<LuaTask>::ended>},
    {"stop", guarded<RunMethods<LuaTask>::stop>},
    {"result", guarded<RunMethods<LuaTask>::result>},
    {"tally", guarded<task_tally>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"task", guarded<task_new>},
    {nullptr, nullptr},
};

void open_task(lua_State* L) {
  define_userdata<LuaTask>(L, kMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
