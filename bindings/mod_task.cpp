// native.task: the native part of tasks. stdlib/inner/job/task.lua makes the objects that scripts
// use.
#include <algorithm>
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

/// What a row may have at a path of a child table: "lines[]" is named by its first word.
static std::string first_word(std::string_view path) {
  return std::string(path.substr(0, path.find_first_of(".[{")));
}

static void push_known(lua_State* L, const std::vector<Column>& columns, bool of_child,
                       const std::vector<ChildMapping>& children);

/// The names in an element of a child table; true when it may have any.
static void push_known(lua_State* L, const ChildMapping& child) {
  const auto opaque = [](const Column& column) {
    return column.from == "." || column.from == "*" || column.from.find('\\') != std::string::npos;
  };
  if (unmarked(child.from).find_first_of(".\\") != std::string_view::npos ||
      std::ranges::any_of(child.columns, opaque)) {
    push(L, true);
  } else {
    push_known(L, child.columns, true, child.children);
  }
}

/// { email = true, lines = { sku = true } }
static void push_known(lua_State* L, const std::vector<Column>& columns, bool of_child,
                       const std::vector<ChildMapping>& children) {
  luaL_checkstack(L, 4, "tables within tables");
  lua_newtable(L);
  for (const Column& column : columns) {
    const std::string name =
        of_child && !column.from.empty() ? first_word(column.from) : column.name;
    set(L, name.c_str(), true);
  }
  for (const ChildMapping& child : children) {
    const std::string name = first_word(child.from);
    lua_getfield(L, -1, name.c_str());
    const bool column_too = !lua_isnil(L, -1);
    lua_pop(L, 1);
    if (column_too) continue;
    push_known(L, child);
    lua_setfield(L, -2, name.c_str());
  }
}

/// task:add_writer(target, options, mapping, throttle): its number, and the names that a row may
/// have.
static int task_writer(lua_State* L) {
  TaskOutput output;
  output.target = check_text(L, 2);
  output.options = read_options(L, 3, "target");
  output.mapping = read_mapping(L, 4, output.options);
  lua_settop(L, 5);
  if (!lua_isnil(L, 5)) output.throttle = read_throttle(L);
  Task& task = self_of(L).task;
  const size_t number = task.add_writer(std::move(output));
  const Mapping& mapping = task.shape(number)->mapping();
  push(L, number);
  push_known(L, mapping.columns, false, mapping.children);
  if (!mapping.route.from.empty()) set(L, first_word(mapping.route.from).c_str(), true);
  return 2;
}

static Batch& batch_at(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TLIGHTUSERDATA);
  return *static_cast<Batch*>(static_cast<lug_batch*>(lua_touserdata(L, index))->self);
}

/// The document at an index of a batch; nil: none.
static GivenDocument document_at(lua_State* L, int index) {
  if (lua_isnoneornil(L, index)) return {};
  Batch& batch = batch_at(L, index);
  const auto at = static_cast<size_t>(luaL_checkinteger(L, index + 1));
  if (at >= batch.documents.size()) raise(Code::kBug, "the batch has no document {}", at);
  return {&batch, static_cast<uint32_t>(at)};
}

static size_t writer_number(lua_State* L) { return static_cast<size_t>(luaL_checkinteger(L, 2)); }

static int task_write(lua_State* L) {
  self_of(L).task.write(writer_number(L), batch_at(L, 3));
  return 0;
}

/// task:add(writer, row, table, view, index)
static int task_add(lua_State* L) {
  self_of(L).task.add(writer_number(L), as_bytes(check_text(L, 3)), text_or(L, 4, ""),
                      document_at(L, 5));
  return 0;
}

/// task:reject(writer, view, index, column, message)
static int task_reject(lua_State* L) {
  self_of(L).task.reject(writer_number(L), document_at(L, 3), std::string(text_or(L, 5, "")),
                         std::string(check_text(L, 6)));
  return 0;
}

/// task:skip(view, index, reason)
static int task_skip(lua_State* L) {
  self_of(L).task.skip(document_at(L, 2), check_text(L, 4));
  return 0;
}

/// task:commit(position): false when the connection was lost; call it again later.
static int task_commit(lua_State* L) {
  LuaTask& self = self_of(L);
  const std::string position(check_text(L, 2));
  self.task.check_position(position);
  self.retire();
  push(L, self.task.commit(position));
  return 1;
}

static int task_check_committed(lua_State* L) {
  self_of(L).task.check_committed();
  return 0;
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
    {"add_writer", guarded<task_writer>},
    {"write", guarded<task_write>},
    {"add", guarded<task_add>},
    {"reject", guarded<task_reject>},
    {"skip", guarded<task_skip>},
    {"commit", guarded<task_commit>},
    {"check_committed", guarded<task_check_committed>},
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
