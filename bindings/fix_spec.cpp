#include "bindings/fix_spec.hpp"

#include "bindings/guard.hpp"
#include "bindings/interpreter.hpp"
#include "bindings/lua_hook.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/reader.hpp"
#include "bindings/words.hpp"

namespace lugger {

namespace {

/// Pushes one field of the table at `index`. False: it is nil, and nothing is left on the stack.
/// The Lua library has already checked keys and types.
class Field {
 public:
  Field(lua_State* L, int index, const char* name) : L_(L) { lua_getfield(L, index, name); }
  ~Field() { lua_pop(L_, 1); }
  Field(const Field&) = delete;
  Field& operator=(const Field&) = delete;
  explicit operator bool() const { return !lua_isnil(L_, -1); }

 private:
  lua_State* L_;
};

void read(lua_State* L, int index, const char* name, std::string& out) {
  if (const Field field(L, index, name); field) out = to_text(L, -1);
}
template <typename T>
void read_number(lua_State* L, int index, const char* name, T& out) {
  const Field field(L, index, name);
  if (!field) return;
  if constexpr (std::is_integral_v<T>)
    out = whole_or<T>(L, -1, name, 0, out);
  else
    out = static_cast<T>(number_value(L, name, 0));
}
void read(lua_State* L, int index, const char* name, std::optional<double>& out) {
  if (const Field field(L, index, name); field) out = number_value(L, name, 0);
}
void read(lua_State* L, int index, const char* name, bool& out) {
  if (const Field field(L, index, name); field) out = lua_toboolean(L, -1) != 0;
}

std::vector<std::optional<std::string>> read_list(lua_State* L, int index, const char* name) {
  std::vector<std::optional<std::string>> out;
  const Field field(L, index, name);
  if (!field) return out;
  for (int i = 1;; ++i) {
    lua_rawgeti(L, -1, i);
    const bool end = lua_isnil(L, -1);
    if (!end)
      out.push_back(lua_islightuserdata(L, -1) ? std::nullopt : std::make_optional(to_text(L, -1)));
    lua_pop(L, 1);
    if (end) return out;
  }
}

void read_target(lua_State* L, int index, std::string& target, Options& options) {
  const Field field(L, index, "target");
  if (!field) throw Error(Code::kConfig, "no target is named");
  const int table = lua_gettop(L);
  read(L, table, "place", target);
  const Field options_field(L, table, "options");
  options = read_options(L, -1, "target");
}

}  // namespace

ThrottleSpec read_throttle(lua_State* L) {
  const int table = lua_gettop(L);
  ThrottleSpec out;
  read(L, table, "max_lag", out.max_lag_s);
  read(L, table, "max_lock_waits", out.max_lock_waits);
  read(L, table, "max_long_transaction", out.max_long_transaction_s);
  read(L, table, "canary", out.canary);
  read_number(L, table, "canary_ms", out.canary_ms);
  read_number(L, table, "rows_per_s", out.rows_per_s);
  read_number(L, table, "source_mbps", out.source_mbps);
  return out;
}

FixSpec read_fix_spec(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  FixSpec out;
  read_target(L, index, out.target, out.target_options);
  read(L, index, "name", out.name);
  read(L, index, "where", out.where);
  read(L, index, "query", out.query);
  out.params = read_list(L, index, "params");
  for (auto& name : read_list(L, index, "set")) out.set.push_back(name.value_or(""));
  read_number(L, index, "max_rows", out.max_rows);
  read_number(L, index, "batch_rows", out.batch_rows);
  read_number(L, index, "retention_s", out.retention_seconds);
  read(L, index, "script_hash", out.script_hash);
  read(L, index, "resume_command", out.resume_command);
  read(L, index, "now", out.now);
  std::string on_error;
  lua_getfield(L, index, "hook");
  PackedHook hook = read_packed_hook(L);
  lua_pop(L, 1);
  read(L, index, "on_hook_error", on_error);
  out.hook = hook_factory(std::move(hook),
                          on_error == "reject" ? OnHookError::kReject : OnHookError::kStop,
                          Interpreter::of(L).stdlib());
  if (const Field throttle(L, index, "throttle"); throttle) out.throttle = read_throttle(L);
  return out;
}

UndoSpec read_undo_spec(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TTABLE);
  UndoSpec out;
  read_target(L, index, out.target, out.target_options);
  read(L, index, "run", out.run);
  read(L, index, "where", out.where);
  read_number(L, index, "batch_rows", out.batch_rows);
  read_number(L, index, "retention_s", out.retention_seconds);
  read(L, index, "resume_command", out.resume_command);
  read(L, index, "now", out.now);
  if (const Field throttle(L, index, "throttle"); throttle) out.throttle = read_throttle(L);
  return out;
}

FixSettings read_fix_settings(lua_State* L, int index) {
  FixSettings out;
  if (lua_isnoneornil(L, index)) return out;
  luaL_checktype(L, index, LUA_TTABLE);
  read(L, index, "apply", out.apply);
  read(L, index, "restart", out.restart);
  read(L, index, "accept_changes", out.accept_changes);
  read_number(L, index, "limit", out.limit);
  read_number(L, index, "limit_shown", out.limit_shown);
  read(L, index, "window", out.window);
  return out;
}

}  // namespace lugger
