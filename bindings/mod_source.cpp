// native.source, native.collections, native.describe: reading and inspecting sources.
#include "bindings/batch_view.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/search_tables.hpp"
#include "bindings/signals.hpp"
#include "bindings/tables.hpp"
#include "bindings/userdata.hpp"
#include "bindings/words.hpp"
#include "engine/describe.hpp"
#include "place/find.hpp"
#include "place/identity.hpp"
#include "place/source.hpp"
#include "place/whole.hpp"
#include "registry/registry.hpp"
#include "value/match.hpp"
#include "value/path.hpp"
#include "value/projection.hpp"

namespace lugger {

namespace {

/// Lua's views point into the cursor's batch. `view` belongs to the Lua state and outlives both.
struct LuaCursor {
  std::shared_ptr<Source> source;
  std::unique_ptr<Cursor> cursor;
  Arena arena;
  Batch batch{arena};
  lug_batch* view = nullptr;

  LuaCursor() = default;
  LuaCursor(const LuaCursor&) = delete;
  LuaCursor& operator=(const LuaCursor&) = delete;
  ~LuaCursor() {
    if (view != nullptr) retire();
  }
  void retire() const noexcept { retire_view(*view); }
};

}  // namespace

template <>
struct UserdataName<Projection> {
  static constexpr char value[] = "lugger.native.projection";
};
template <>
struct UserdataName<Source> {
  static constexpr char value[] = "lugger.native.source";
};
template <>
struct UserdataName<LuaCursor> {
  static constexpr char value[] = "lugger.native.cursor";
};

static int source_new(lua_State* L) {
  const EndsAtOnce looks;
  push_userdata<Source>(L,
                        open_source(std::string(check_text(L, 1)), read_options(L, 2, "source")));
  return 1;
}

static int source_info(lua_State* L) {
  const EndsAtOnce looks;
  push(L, check_userdata<Source>(L, 1).info());
  return 1;
}

static int source_split(lua_State* L) {
  const EndsAtOnce looks;
  push_list(L, check_userdata<Source>(L, 1).split(whole_or<int>(L, 2, "parts", 1, 1)));
  return 1;
}

/// The requested part; nullopt: all parts.
static std::optional<Partition> read_partition(lua_State* L, int index) {
  std::optional<Partition> partition;
  lua_getfield(L, index, "partition");
  if (lua_istable(L, -1)) {
    partition = Partition{"0", "", 0};
    lua_getfield(L, -1, "id");
    if (lua_isstring(L, -1)) partition->id = to_text(L, -1);
    lua_getfield(L, -2, "spec");
    if (lua_isstring(L, -1)) partition->spec = to_text(L, -1);
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return partition;
}

/// Reads { filter = BSON, sort = { { "age", descending }, ... }, skip =, limit = } from the top of
/// the stack.
static FindSpec read_find(lua_State* L) {
  FindSpec spec;
  const int at = lua_gettop(L);
  lua_getfield(L, at, "filter");
  if (lua_isstring(L, -1)) spec.filter = to_text(L, -1);
  lua_pop(L, 1);
  spec.skip = whole_field<uint64_t>(L, at, "skip", 0, 0);
  const auto limit = whole_field<int64_t>(L, at, "limit", 0, -1);
  if (limit >= 0) spec.limit = static_cast<uint64_t>(limit);
  lua_getfield(L, at, "sort");
  for (int i = 1; lua_istable(L, -1); ++i) {
    lua_rawgeti(L, -1, i);
    if (!lua_istable(L, -1)) {
      lua_pop(L, 1);
      break;
    }
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    spec.sort.push_back({split_path(to_text(L, -2)), lua_toboolean(L, -1) != 0});
    lua_pop(L, 3);
  }
  lua_pop(L, 1);
  return spec;
}

static int source_cursor(lua_State* L) {
  const EndsAtOnce looks;
  check_userdata<Source>(L, 1);
  auto made = std::make_shared<LuaCursor>();
  made->source = userdata_pointer<Source>(L, 1);
  std::optional<Partition> partition;
  std::string after;
  if (lua_istable(L, 2)) {
    partition = read_partition(L, 2);
    lua_getfield(L, 2, "after");
    if (lua_isstring(L, -1)) after = to_text(L, -1);
    lua_pop(L, 1);
    made->batch.max_documents =
        whole_field<uint32_t>(L, 2, "batch_rows", 1, made->batch.max_documents);
    made->batch.max_bytes = whole_field<size_t>(L, 2, "batch_bytes", 1, made->batch.max_bytes);
  }
  made->cursor =
      partition ? made->source->open(*partition, after) : open_whole(*made->source, after);
  if (lua_istable(L, 2)) {
    lua_getfield(L, 2, "find");
    if (lua_istable(L, -1)) made->cursor = find_cursor(std::move(made->cursor), read_find(L));
    lua_pop(L, 1);
  }
  made->view = new_view(L);
  push_userdata(L, std::move(made));
  return 1;
}

static int source_search(lua_State* L) {
  const EndsAtOnce asks;
  push(L, search_source(check_userdata<Source>(L, 1), read_search_request(L, 2), signal_stop()));
  return 1;
}

static int cursor_next(lua_State* L) {
  LuaCursor& self = check_userdata<LuaCursor>(L, 1);
  self.retire();
  self.batch.clear();
  self.arena.reset();
  const EndsAtOnce reads;
  if (!self.cursor->fill(self.batch, signal_stop())) {
    lua_pushnil(L);
    return 1;
  }
  show_batch(*self.view, self.batch);
  lua_pushlightuserdata(L, self.view);
  return 1;
}

/// Reads to the end. Documents of earlier batches become invalid.
static int cursor_count(lua_State* L) {
  LuaCursor& self = check_userdata<LuaCursor>(L, 1);
  self.retire();
  const EndsAtOnce reads;
  uint64_t count = 0;
  do {
    count += self.batch.documents.size();
    self.batch.clear();
    self.arena.reset();
  } while (self.cursor->fill(self.batch, signal_stop()));
  push(L, count);
  return 1;
}

static int find_words(lua_State* L) {
  std::vector<std::string> names(filter_operators().begin(), filter_operators().end());
  push(L, names);
  return 1;
}

/// Error{config} when a query contains something that find does not support.
static int check_filter(lua_State* L) {
  const Filter filter{std::string(check_text(L, 1))};
  return 0;
}

/// The projection of a find: true keeps the paths, false removes them.
static int make_projection(lua_State* L) {
  std::vector<std::string> paths;
  luaL_checktype(L, 2, LUA_TTABLE);
  for (int i = 1;; ++i) {
    lua_rawgeti(L, 2, i);
    if (lua_isnil(L, -1)) break;
    paths.push_back(to_text(L, -1));
    lua_pop(L, 1);
  }
  push_userdata(L, std::make_shared<Projection>(lua_toboolean(L, 1) != 0, paths));
  return 1;
}

static int projection_apply(lua_State* L) {
  push(L, check_userdata<Projection>(L, 1).apply(as_bytes(check_text(L, 2))));
  return 1;
}

static int cursor_position(lua_State* L) {
  push(L, check_userdata<LuaCursor>(L, 1).cursor->position());
  return 1;
}

static int cursor_bytes(lua_State* L) {
  push(L, check_userdata<LuaCursor>(L, 1).cursor->bytes());
  return 1;
}

/// place_kind(place) -> { name, sql, read_once }.
static int place_kind(lua_State* L) {
  const std::string place(check_text(L, 1));
  const PlaceKind& kind = kind_of(place);
  lua_createtable(L, 0, 3);
  set(L, "name", kind.name);
  set(L, "sql", kind.sql);
  set(L, "read_once", !kind.sql && is_read_once(place));
  return 1;
}

static int look_at_place(lua_State* L) {
  const EndsAtOnce looks;
  push(L, look_at_place(std::string(check_text(L, 1)), read_options(L, 2, "source")));
  return 1;
}

static int options_of_source(lua_State* L) {
  push_list(L, source_options(std::string(check_text(L, 1))));
  return 1;
}

static int describe(lua_State* L) {
  const EndsAtOnce looks;
  const auto source = open_source(std::string(check_text(L, 1)), read_options(L, 2, "source"));
  push(L, describe_source(*source, whole_or<uint64_t>(L, 3, "limit", 0, 0), &signal_stop()));
  return 1;
}

/// native.every_option("source"|"target")
static int every_option(lua_State* L) {
  static constexpr std::array<std::string_view, 2> kEnds = {"source", "target"};
  push_list(L, choice("end", check_text(L, 1), kEnds) == 0 ? every_source_option()
                                                           : every_target_option());
  return 1;
}

static constexpr luaL_Reg kSourceMethods[] = {
    {"info", guarded<source_info>},
    {"split", guarded<source_split>},
    {"cursor", guarded<source_cursor>},
    {"search", guarded<source_search>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kCursorMethods[] = {
    {"next", guarded<cursor_next>},
    {"position", guarded<cursor_position>},
    {"bytes", guarded<cursor_bytes>},
    {"count", guarded<cursor_count>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kProjectionMethods[] = {
    {"apply", guarded<projection_apply>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"source", guarded<source_new>},           {"place_kind", guarded<place_kind>},
    {"look_at_place", guarded<look_at_place>}, {"source_options", guarded<options_of_source>},
    {"every_option", guarded<every_option>},   {"describe", guarded<describe>},
    {"check_filter", guarded<check_filter>},   {"find_operators", guarded<find_words>},
    {"projection", guarded<make_projection>},  {nullptr, nullptr},
};

void open_source(lua_State* L) {
  define_userdata<Source>(L, kSourceMethods);
  define_userdata<LuaCursor>(L, kCursorMethods);
  define_userdata<Projection>(L, kProjectionMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
