#include "bindings/job_spec.hpp"

#include <algorithm>
#include <array>

#include "bindings/fix_spec.hpp"
#include "bindings/guard.hpp"
#include "bindings/interpreter.hpp"
#include "bindings/lua_hook.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/words.hpp"
#include "plan/text_search.hpp"

namespace lugger {

namespace {

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

std::vector<Column> columns(lua_State* L) {
  std::vector<Column> out;
  each_item(L, "columns", [&] { out.push_back(read_column(L, -1)); });
  return out;
}

ChildMapping child(lua_State* L);

void read_children(lua_State* L, std::string_view key, std::vector<ChildMapping>& out) {
  each_item(L, key, [&] { out.push_back(child(L)); });
}

ChildMapping child(lua_State* L) {
  static constexpr Reader<ChildMapping> kReaders[] = {
      reader<&ChildMapping::table>("table"),
      reader<&ChildMapping::from>("from"),
      {"columns",
       [](lua_State* state, std::string_view, ChildMapping& out) { out.columns = columns(state); }},
      reader<&ChildMapping::parent>("parent"),
      reader<&ChildMapping::ordinal>("ordinal"),
      reader<&ChildMapping::entry>("entry"),
      {"children", [](lua_State* state, std::string_view key,
                      ChildMapping& out) { read_children(state, key, out.children); }},
  };
  ChildMapping out;
  luaL_checkstack(L, 20, "children");
  read_table(L, -1, "children", kReaders, out);
  for (const Column& column : out.columns) {
    if (!column.computed) continue;
    throw Error(Code::kConfig,
                fmt::format("column {} of a child table cannot be computed: `map` does not see "
                            "child rows",
                            column.name),
                "fill child tables from arrays of the document, or add rows with lugger.emit");
  }
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

std::map<std::string, std::string> text_map(lua_State* L, std::string_view key) {
  if (!lua_istable(L, -1)) raise(Code::kConfig, "{} must be a table of names and values", key);
  std::map<std::string, std::string> out;
  const int table = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) out[to_text(L, -2)] = to_text(L, -1);
  return out;
}

constexpr Reader<Route> kRoute[] = {
    reader<&Route::from>("from"),
    {"tables",
     [](lua_State* L, std::string_view, Route& out) {
       if (!lua_istable(L, -1)) raise(Code::kConfig, "route.tables must map values to tables");
       const int table = lua_gettop(L);
       for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1))
         out.tables[to_text(L, -2)] = text_value(L, "route.tables");
     }},
    reader<&Route::otherwise>("otherwise"),
};

constexpr Reader<IndexMapping> kIndex[] = {
    reader<&IndexMapping::table>("table"),
    reader<&IndexMapping::name>("name"),
    reader<&IndexMapping::columns>("columns"),
    reader<&IndexMapping::unique>("unique"),
    reader<&IndexMapping::method>("method"),
    reader<&IndexMapping::where>("where"),
    reader<&IndexMapping::include>("include"),
    reader<&IndexMapping::opclass>("opclass"),
    reader<&IndexMapping::metric>("metric"),
    {"with",
     [](lua_State* L, std::string_view key, IndexMapping& out) { out.with = text_map(L, key); }},
    reader<&IndexMapping::nulls_not_distinct>("nulls_not_distinct"),
    reader<&IndexMapping::concurrently>("concurrently"),
    reader<&IndexMapping::setup>("setup"),
};

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
    if (lua_type(L, -2) == LUA_TNUMBER) continue;  // positional columns are read below, in order
    const std::string key = to_text(L, -2);
    if (!read_key(L, key, kIndex, out)) unknown_key("indexes", key, names_of(kIndex));
  }
  if (out.columns.empty())
    each_item(L, "indexes", [&] { out.columns.push_back(text_value(L, "indexes")); });
  if (out.columns.empty())
    throw Error(Code::kConfig, "an index names no columns",
                "write indexes = { { 'email', unique = true } }");
  return out;
}

constexpr Reader<ConstraintMapping> kConstraint[] = {
    reader<&ConstraintMapping::table>("table"),
    reader<&ConstraintMapping::name>("name"),
    reader<&ConstraintMapping::sql>("sql"),
    reader<&ConstraintMapping::not_null>("not_null"),
    reader<&ConstraintMapping::check>("check"),
    reader<&ConstraintMapping::unique>("unique"),
    reader<&ConstraintMapping::nulls_not_distinct>("nulls_not_distinct"),
    reader<&ConstraintMapping::foreign_key>("foreign_key"),
    reader<&ConstraintMapping::references>("references"),
    reader<&ConstraintMapping::referenced>("referenced"),
    reader<&ConstraintMapping::on_delete>("on_delete"),
};

ConstraintMapping constraint(lua_State* L) {
  ConstraintMapping out;
  if (lua_type(L, -1) == LUA_TSTRING) {
    out.sql = to_text(L, -1);
    return out;
  }
  if (!lua_istable(L, -1))
    raise(Code::kConfig, "a constraint must be a table or text, not a {}", luaL_typename(L, -1));
  read_table(L, -1, "constraints", kConstraint, out);
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
  where = text_value(L, what);
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

constexpr std::array<std::string_view, 4> kConflicts = {"error", "skip", "update", "newer"};
constexpr std::array<std::string_view, 3> kUnmapped = {"warn", "error", "ignore"};
constexpr std::array<std::string_view, 2> kOnHookError = {"stop", "reject"};

constexpr Reader<Mapping> kMapping[] = {
    {"columns", [](lua_State* L, std::string_view, Mapping& out) { out.columns = columns(L); }},
    reader<&Mapping::table>("table"),
    reader<&Mapping::key>("key"),
    word_reader<kConflicts, &Mapping::on_conflict>("on_conflict"),
    reader<&Mapping::newer>("newer"),
    word_reader<kUnmapped, &Mapping::unmapped>("unmapped"),
    {"children",
     [](lua_State* L, std::string_view key, Mapping& out) { read_children(L, key, out.children); }},
    {"route", [](lua_State* L, std::string_view,
                 Mapping& out) { read_table(L, -1, "route", kRoute, out.route); }},
    {"indexes", [](lua_State* L, std::string_view key,
                   Mapping& out) { each_item(L, key, [&] { out.indexes.push_back(index(L)); }); }},
    {"constraints",
     [](lua_State* L, std::string_view key, Mapping& out) {
       each_item(L, key, [&] { out.constraints.push_back(constraint(L)); });
     }},
    // Read first, because the keys of a Lua table have no order and unnamed constraints are
    // numbered.
    {"not_null",
     [](lua_State* L, std::string_view key, Mapping& out) {
       out.constraints.emplace(out.constraints.begin())->not_null = list_value(L, key);
     }},
};

/// A word for all kinds, or a table with a word for some.
DdlPolicies read_on_ddl(lua_State* L) {
  DdlPolicies out;
  const auto policy = [L](std::string_view key) {
    return enum_of<DdlPolicy>(key, text_value(L, key), kDdlPolicyWords);
  };
  if (!lua_istable(L, -1)) {
    out.each.fill(policy("on_ddl"));
    return out;
  }
  const int table = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
    const std::string key = to_text(L, -2);
    const auto found = std::ranges::find(kDdlWords, key);
    if (found == kDdlWords.end()) unknown_key("on_ddl", key, kDdlWords);
    const auto kind = static_cast<size_t>(found - kDdlWords.begin());
    out.each[kind] = policy("on_ddl." + key);
    if (out.each[kind] == DdlPolicy::kApply && !changes_all(static_cast<DdlKind>(kind))) {
      throw Error(Code::kConfig,
                  fmt::format("on_ddl: {} cannot be applied to the target by itself", key),
                  "'warn' tells of it and goes on; 'stop' ends the job");
    }
  }
  return out;
}

constexpr Reader<VectorManifest> kManifest[] = {
    reader<&VectorManifest::model>("model"),
    reader<&VectorManifest::revision>("revision"),
    reader<&VectorManifest::prefix>("prefix"),
    reader<&VectorManifest::pooling>("pooling"),
    number_reader<1, &VectorManifest::truncation>("truncation"),
    number_reader<1, &VectorManifest::dimensions>("dimensions"),
    reader<&VectorManifest::normalised>("normalised"),
    reader<&VectorManifest::metric>("metric"),
};

constexpr std::array<std::string_view, 2> kOnMismatch = {"error", "warn"};

/// What it says itself is of all columns of vectors; a table in it is of the column of that name.
void read_manifest(lua_State* L, Mapping& mapping) {
  need_table(L, -1, "manifest");
  const int table = lua_gettop(L);
  VectorManifest every;
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
    const std::string key = to_text(L, -2);
    if (lua_istable(L, -1)) {
      VectorManifest& one = mapping.manifests.emplace_back();
      read_table(L, -1, "manifest." + key, kManifest, one);
      one.column = key;
    } else if (key == "on_mismatch") {
      mapping.other_manifest = choice(key, text_value(L, key), kOnMismatch) == 1;
    } else if (!read_key(L, key, kManifest, every)) {
      unknown_key("manifest", key, names_of(kManifest));
    }
  }
  if (!every.says_nothing()) mapping.manifests.push_back(std::move(every));
}

/// A job and its hook, as in the table.
struct JobTable {
  JobSpec spec;
  PackedHook hook;
};

constexpr Reader<JobTable> kJob[] = {
    reader<&JobTable::spec, &JobSpec::name>("name"),
    {"source", [](lua_State* L, std::string_view key,
                  JobTable& out) { place(L, key, out.spec.source, out.spec.source_options); }},
    {"target", [](lua_State* L, std::string_view key,
                  JobTable& out) { place(L, key, out.spec.target, out.spec.target_options); }},
    {"columns", [](lua_State* L, std::string_view, JobTable& out) { read_columns(L, out.spec); }},
    word_reader<kOnHookError, &JobTable::spec, &JobSpec::on_hook_error>("on_hook_error"),
    reader<&JobTable::spec, &JobSpec::script_hash>("script_hash"),
    reader<&JobTable::spec, &JobSpec::resume_command>("resume_command"),
    reader<&JobTable::spec, &JobSpec::now>("now"),
    {"hook", [](lua_State* L, std::string_view, JobTable& out) { out.hook = read_packed_hook(L); }},
    {"on_ddl",
     [](lua_State* L, std::string_view, JobTable& out) { out.spec.on_ddl = read_on_ddl(L); }},
    {"manifest",
     [](lua_State* L, std::string_view, JobTable& out) { read_manifest(L, out.spec.mapping); }},
    {"throttle",
     [](lua_State* L, std::string_view, JobTable& out) { out.spec.throttle = read_throttle(L); }},
};

void read_job_key(lua_State* L, const std::string& key, JobTable& out) {
  if (read_key(L, key, kJob, out) || read_key(L, key, kMapping, out.spec.mapping)) return;
  static constexpr auto kNames = names_of(kJob);
  static constexpr auto kMore = names_of(kMapping);
  std::vector<std::string_view> known(kNames.begin(), kNames.end());
  known.insert(known.end(), kMore.begin() + 1, kMore.end());  // both lists contain `columns`
  unknown_key("a job", key, known);
}

/// Takes from the target's options what the job itself does not set.
void take_target_options(const Options& options, Mapping& mapping) {
  if (mapping.table.empty()) mapping.table = options.text("table");
  if (mapping.key.empty()) mapping.key = options.list("key");
  if (mapping.newer.empty()) mapping.newer = options.text("newer");
  mapping.distribute = options.text("distribute");
  for (const std::string& column : options.list("text_search")) {
    IndexMapping& words = mapping.indexes.emplace_back();
    words.columns = {text_search_column(column)};
    words.method = "gin";
  }
  const std::string conflict = options.text("on_conflict");
  if (mapping.on_conflict == OnConflict::kError && !conflict.empty()) {
    mapping.on_conflict = enum_of<OnConflict>("on_conflict", conflict, kConflicts);
  }
}

void check_computed(const Mapping& mapping, bool has_hook) {
  for (const Column& column : mapping.columns) {
    if (!column.computed || has_hook) continue;
    throw Error(
        Code::kConfig, fmt::format("column {} is computed, and no `map` computes it", column.name),
        fmt::format("write map = function(row, doc) row.{} = ... end; in a task, out:add gives "
                    "the value of any column",
                    column.name))
        .note("column", column.name);
  }
}

}  // namespace

Mapping read_mapping(lua_State* L, int index, const Options& target_options) {
  Mapping mapping;
  read_table(L, index, "a writer", kMapping, mapping);
  if (mapping.columns.empty())
    throw Error(Code::kConfig, "the writer has no columns", "columns = { { 'email', 'text' } }");
  check_computed(mapping, false);
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
  JobTable given;
  JobSpec& spec = given.spec;
  index = absolute(L, index);
  need_table(L, index, "a job");
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1))
    read_job_key(L, to_text(L, -2), given);
  if (spec.source.empty())
    throw Error(Code::kConfig, "the job has no source", "add from = lugger.source(...)");
  if (spec.target.empty())
    throw Error(Code::kConfig, "the job has no target", "add into = lugger.target(...)");
  check_computed(spec.mapping, !given.hook.text.empty());
  take_target_options(spec.target_options, spec.mapping);
  if (!given.hook.text.empty()) {
    spec.hook =
        hook_factory(std::move(given.hook), spec.on_hook_error, Interpreter::of(L).stdlib());
  }
  return spec;
}

}  // namespace lugger
