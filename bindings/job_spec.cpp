#include "bindings/job_spec.hpp"

#include <array>

#include "bindings/fix_spec.hpp"
#include "bindings/guard.hpp"
#include "bindings/interpreter.hpp"
#include "bindings/lua_hook.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/words.hpp"

namespace lugger {

namespace {

using Keys = std::span<const std::string_view>;

/// Calls use(key) with the value at the top of the stack, for each entry of the table there.
template <typename Use>
void each_key(lua_State* L, std::string_view holder, Keys known, Use&& use) {
  if (!lua_istable(L, -1))
    raise(Code::kConfig, "{} must be a table, not a {}", holder, luaL_typename(L, -1));
  const int table = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
    const std::string key = to_text(L, -2);
    if (std::find(known.begin(), known.end(), key) == known.end()) unknown_key(holder, key, known);
    use(key);
  }
}

template <typename Use>
void each_item(lua_State* L, std::string_view holder, Use&& use) {
  if (!lua_istable(L, -1))
    raise(Code::kConfig, "{} must be a list, not a {}", holder, luaL_typename(L, -1));
  const int table = lua_gettop(L);
  for (int i = 1;; ++i) {
    lua_rawgeti(L, table, i);
    const bool end = lua_isnil(L, -1);
    if (!end) use();
    lua_settop(L, table);
    if (end) return;
  }
}

std::string text(lua_State* L, std::string_view key) {
  if (lua_type(L, -1) != LUA_TSTRING)
    raise(Code::kConfig, "{} must be text, not a {}", key, luaL_typename(L, -1));
  return to_text(L, -1);
}

std::vector<std::string> texts(lua_State* L, std::string_view key) {
  if (lua_type(L, -1) == LUA_TSTRING) return {to_text(L, -1)};
  std::vector<std::string> out;
  each_item(L, key, [&] { out.push_back(text(L, key)); });
  return out;
}

std::vector<Column> columns(lua_State* L) {
  std::vector<Column> out;
  each_item(L, "columns", [&] { out.push_back(read_column(L, -1)); });
  return out;
}

ChildMapping child(lua_State* L) {
  static constexpr std::array<std::string_view, 6> kKeys = {"table",  "from",    "columns",
                                                            "parent", "ordinal", "children"};
  ChildMapping out;
  luaL_checkstack(L, 20, "children");
  each_key(L, "children", kKeys, [&](const std::string& key) {
    if (key == "table")
      out.table = text(L, key);
    else if (key == "from")
      out.from = text(L, key);
    else if (key == "columns")
      out.columns = columns(L);
    else if (key == "parent")
      out.parent = texts(L, key);
    else if (key == "ordinal")
      out.ordinal = text(L, key);
    else
      each_item(L, key, [&] { out.children.push_back(child(L)); });
  });
  if (out.table.empty())
    throw Error(Code::kConfig, "a child has no table",
                "write { table = 'user_tags', from = 'tags[]', columns = ... }");
  if (out.from.empty()) {
    throw Error(Code::kConfig,
                fmt::format("the child table {} does not say which array it comes from", out.table),
                "add from = 'tags[]'");
  }
  return out;
}

Route route(lua_State* L) {
  static constexpr std::array<std::string_view, 3> kKeys = {"from", "tables", "otherwise"};
  Route out;
  each_key(L, "route", kKeys, [&](const std::string& key) {
    if (key == "from") {
      out.from = text(L, key);
    } else if (key == "otherwise") {
      out.otherwise = text(L, key);
    } else {
      if (!lua_istable(L, -1)) raise(Code::kConfig, "route.tables must map values to tables");
      const int table = lua_gettop(L);
      for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1))
        out.tables[to_text(L, -2)] = text(L, "route.tables");
    }
  });
  return out;
}

bool flag(lua_State* L, std::string_view key) {
  if (!lua_isboolean(L, -1))
    raise(Code::kConfig, "{} must be true or false, not a {}", key, luaL_typename(L, -1));
  return lua_toboolean(L, -1) != 0;
}

std::map<std::string, std::string> text_map(lua_State* L, std::string_view key) {
  if (!lua_istable(L, -1)) raise(Code::kConfig, "{} must be a table of names and values", key);
  std::map<std::string, std::string> out;
  const int table = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) out[to_text(L, -2)] = to_text(L, -1);
  return out;
}

void index_key(lua_State* L, const std::string& key, IndexMapping& out) {
  static constexpr std::array<std::string_view, 12> kKeys = {
      "table",        "name",    "columns", "unique", "method",
      "where",        "include", "opclass", "with",   "nulls_not_distinct",
      "concurrently", "setup"};
  if (key == "table")
    out.table = text(L, key);
  else if (key == "name")
    out.name = text(L, key);
  else if (key == "columns")
    out.columns = texts(L, key);
  else if (key == "unique")
    out.unique = flag(L, key);
  else if (key == "method")
    out.method = text(L, key);
  else if (key == "where")
    out.where = text(L, key);
  else if (key == "include")
    out.include = texts(L, key);
  else if (key == "opclass")
    out.opclass = text(L, key);
  else if (key == "with")
    out.with = text_map(L, key);
  else if (key == "nulls_not_distinct")
    out.nulls_not_distinct = flag(L, key);
  else if (key == "concurrently")
    out.concurrently = flag(L, key);
  else if (key == "setup")
    out.setup = text(L, key);
  else
    unknown_key("indexes", key, kKeys);
}

IndexMapping index(lua_State* L) {
  IndexMapping out;
  if (lua_type(L, -1) == LUA_TSTRING) {
    out.columns = {to_text(L, -1)};
    return out;
  }
  if (!lua_istable(L, -1))
    raise(Code::kConfig, "an index must be a table, not a {}", luaL_typename(L, -1));
  const int table = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TNUMBER) continue;  // columns by place, read in order below
    index_key(L, to_text(L, -2), out);
  }
  if (out.columns.empty())
    each_item(L, "indexes", [&] { out.columns.push_back(text(L, "indexes")); });
  if (out.columns.empty())
    throw Error(Code::kConfig, "an index names no columns",
                "write indexes = { { 'email', unique = true } }");
  return out;
}

void constraint_key(lua_State* L, const std::string& key, ConstraintMapping& out) {
  static constexpr std::array<std::string_view, 11> kKeys = {"table",
                                                             "name",
                                                             "sql",
                                                             "not_null",
                                                             "check",
                                                             "unique",
                                                             "nulls_not_distinct",
                                                             "foreign_key",
                                                             "references",
                                                             "referenced",
                                                             "on_delete"};
  if (key == "table")
    out.table = text(L, key);
  else if (key == "name")
    out.name = text(L, key);
  else if (key == "sql")
    out.sql = text(L, key);
  else if (key == "not_null")
    out.not_null = texts(L, key);
  else if (key == "check")
    out.check = text(L, key);
  else if (key == "unique")
    out.unique = texts(L, key);
  else if (key == "nulls_not_distinct")
    out.nulls_not_distinct = flag(L, key);
  else if (key == "foreign_key")
    out.foreign_key = texts(L, key);
  else if (key == "references")
    out.references = text(L, key);
  else if (key == "referenced")
    out.referenced = texts(L, key);
  else if (key == "on_delete")
    out.on_delete = text(L, key);
  else
    unknown_key("constraints", key, kKeys);
}

ConstraintMapping constraint(lua_State* L) {
  ConstraintMapping out;
  if (lua_type(L, -1) == LUA_TSTRING) {
    out.sql = to_text(L, -1);
    return out;
  }
  if (!lua_istable(L, -1))
    raise(Code::kConfig, "a constraint must be a table or text, not a {}", luaL_typename(L, -1));
  const int table = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1))
    constraint_key(L, to_text(L, -2), out);
  const int kinds = (out.sql.empty() ? 0 : 1) + (out.not_null.empty() ? 0 : 1) +
                    (out.check.empty() ? 0 : 1) + (out.unique.empty() ? 0 : 1) +
                    (out.foreign_key.empty() ? 0 : 1);
  if (kinds != 1) {
    throw Error(Code::kConfig, "a constraint says one of not_null, check, unique, foreign_key, sql",
                "write constraints = { { not_null = 'email' }, { check = 'age >= 0' } }");
  }
  if (!out.foreign_key.empty() && out.references.empty()) {
    throw Error(Code::kConfig, "a foreign key does not say which table it references",
                "write { foreign_key = 'team_id', references = 'teams' }");
  }
  return out;
}

void place(lua_State* L, std::string_view what, std::string& where, Options& options) {
  lua_getfield(L, -1, "place");
  where = text(L, what);
  lua_pop(L, 1);
  lua_getfield(L, -1, "options");
  options = read_options(L, -1, what);
  lua_pop(L, 1);
}

void read_columns(lua_State* L, JobSpec& spec) {
  if (lua_type(L, -1) != LUA_TSTRING) {
    spec.mapping.columns = columns(L);
    return;
  }
  static constexpr std::array<std::string_view, 2> kModes = {"auto", "document"};
  spec.columns =
      choice("columns", to_text(L, -1), kModes) == 0 ? ColumnsMode::kAuto : ColumnsMode::kDocument;
}

/// Keys of the mapping; false: not one of them.
bool read_mapping_key(lua_State* L, const std::string& key, Mapping& mapping) {
  static constexpr std::array<std::string_view, 4> kConflicts = {"error", "skip", "update",
                                                                 "newer"};
  static constexpr std::array<std::string_view, 3> kUnmapped = {"warn", "error", "ignore"};
  if (key == "table")
    mapping.table = text(L, key);
  else if (key == "key")
    mapping.key = texts(L, key);
  else if (key == "on_conflict")
    mapping.on_conflict = static_cast<OnConflict>(choice(key, text(L, key), kConflicts));
  else if (key == "newer")
    mapping.newer = text(L, key);
  else if (key == "unmapped")
    mapping.unmapped = static_cast<Unmapped>(choice(key, text(L, key), kUnmapped));
  else if (key == "children")
    each_item(L, key, [&] { mapping.children.push_back(child(L)); });
  else if (key == "route")
    mapping.route = route(L);
  else if (key == "indexes")
    each_item(L, key, [&] { mapping.indexes.push_back(index(L)); });
  else if (key == "constraints")
    each_item(L, key, [&] { mapping.constraints.push_back(constraint(L)); });
  else if (key == "not_null")
    // In front, since Lua gives the keys of a table in no order: unnamed constraints are numbered.
    mapping.constraints.emplace(mapping.constraints.begin())->not_null = texts(L, key);
  else
    return false;
  return true;
}

constexpr std::array<std::string_view, 20> kJobKeys = {
    "name",           "source",  "target",      "columns",       "children",
    "route",          "key",     "table",       "on_conflict",   "newer",
    "unmapped",       "indexes", "constraints", "on_hook_error", "script_hash",
    "resume_command", "hook",    "now",         "not_null",      "throttle"};

void read_key(lua_State* L, const std::string& key, JobSpec& spec, std::string& hook) {
  static constexpr std::array<std::string_view, 2> kOnHookError = {"stop", "reject"};
  if (read_mapping_key(L, key, spec.mapping)) return;
  if (key == "name")
    spec.name = text(L, key);
  else if (key == "source")
    place(L, "source", spec.source, spec.source_options);
  else if (key == "target")
    place(L, "target", spec.target, spec.target_options);
  else if (key == "columns")
    read_columns(L, spec);
  else if (key == "on_hook_error")
    spec.on_hook_error = static_cast<OnHookError>(choice(key, text(L, key), kOnHookError));
  else if (key == "script_hash")
    spec.script_hash = text(L, key);
  else if (key == "resume_command")
    spec.resume_command = text(L, key);
  else if (key == "now")
    spec.now = text(L, key);
  else if (key == "hook")
    hook = text(L, key);
  else if (key == "throttle")
    spec.throttle = read_throttle(L);
}

/// What the target's options say of the mapping, where the job itself does not.
void take_target_options(const Options& options, Mapping& mapping) {
  static constexpr std::array<std::string_view, 4> kConflicts = {"error", "skip", "update",
                                                                 "newer"};
  if (mapping.table.empty()) mapping.table = options.text("table");
  if (mapping.key.empty()) mapping.key = options.list("key");
  if (mapping.newer.empty()) mapping.newer = options.text("newer");
  mapping.distribute = options.text("distribute");
  const std::string conflict = options.text("on_conflict");
  if (mapping.on_conflict == OnConflict::kError && !conflict.empty()) {
    mapping.on_conflict = static_cast<OnConflict>(choice("on_conflict", conflict, kConflicts));
  }
}

}  // namespace

Mapping read_mapping(lua_State* L, int index, const Options& target_options) {
  static constexpr std::array<std::string_view, 11> kKeys = {
      "columns", "children", "route",   "key",         "table",   "on_conflict",
      "newer",   "unmapped", "indexes", "constraints", "not_null"};
  Mapping mapping;
  lua_pushvalue(L, index);
  each_key(L, "a writer", kKeys, [&](const std::string& key) {
    if (!read_mapping_key(L, key, mapping)) mapping.columns = columns(L);
  });
  lua_pop(L, 1);
  if (mapping.columns.empty())
    throw Error(Code::kConfig, "the writer has no columns", "columns = { { 'email', 'text' } }");
  take_target_options(target_options, mapping);
  return mapping;
}

IndexMapping read_index(lua_State* L, int place) {
  lua_pushvalue(L, place);
  IndexMapping out = index(L);
  lua_pop(L, 1);
  return out;
}

JobSpec read_job_spec(lua_State* L, int index) {
  JobSpec spec;
  std::string hook;
  lua_pushvalue(L, index);
  each_key(L, "a job", kJobKeys, [&](const std::string& key) { read_key(L, key, spec, hook); });
  lua_pop(L, 1);
  if (spec.source.empty())
    throw Error(Code::kConfig, "the job has no source", "add from = lugger.source(...)");
  if (spec.target.empty())
    throw Error(Code::kConfig, "the job has no target", "add into = lugger.target(...)");
  take_target_options(spec.target_options, spec.mapping);
  if (!hook.empty()) {
    spec.hook = hook_factory(std::move(hook), spec.on_hook_error, Interpreter::of(L).stdlib());
  }
  return spec;
}

}  // namespace lugger
