#include "bindings/guard.hpp"

#include "bindings/lua_table.hpp"
#include "bindings/userdata.hpp"

namespace lugger {

static constexpr char kErrorMeta[] = "lugger.error";

void push_error(lua_State* L, const Error& error) {
  luaL_checkstack(L, 8, "errors");
  lua_newtable(L);
  set(L, "code", code_name(error.code()));
  set(L, "message", error.message());
  set(L, "hint", error.hint());
  set(L, "sqlstate", error.sqlstate());
  set(L, "text", std::string_view(error.what()));
  lua_newtable(L);
  int place = 0;
  for (const auto& [key, value] : error.notes()) {
    push(L, key);
    lua_rawseti(L, -2, ++place);
    set(L, key.c_str(), value);
  }
  lua_setfield(L, -2, "notes");
  luaL_getmetatable(L, kErrorMeta);
  lua_setmetatable(L, -2);
}

void not_the_object(lua_State* L, std::string_view kind) {
  lua_Debug call;
  const bool known =
      lua_getstack(L, 0, &call) != 0 && lua_getinfo(L, "n", &call) != 0 && call.name != nullptr;
  const std::string_view name = known ? call.name : "method",
                         word = kind.substr(kind.rfind('.') + 1);
  throw Error(Code::kConfig, fmt::format("{}.{} is a method: call it with a colon", word, name),
              fmt::format("{}:{}(...)", word, name));
}

void note_line(lua_State* L, Error& error) {
  lua_Debug frame;
  for (int level = 1; lua_getstack(L, level, &frame) != 0; ++level) {
    lua_getinfo(L, "Sl", &frame);
    if (frame.currentline <= 0 || std::string_view(frame.source).starts_with("@lugger")) continue;
    error.note("script", fmt::format("{}:{}", frame.short_src, frame.currentline));
    return;
  }
}

/// A raw access, because a script's error object may have a metatable that raises errors.
static std::string field_text(lua_State* L, const char* name) {
  lua_pushstring(L, name);
  lua_rawget(L, -2);
  size_t size = 0;
  const char* text = lua_isstring(L, -1) ? lua_tolstring(L, -1, &size) : nullptr;
  std::string out = text == nullptr ? std::string() : std::string(text, size);
  lua_pop(L, 1);
  return out;
}

static Code code_named(std::string_view name, Code otherwise) {
  for (int i = 0; i <= static_cast<int>(Code::kBug); ++i) {
    if (code_name(static_cast<Code>(i)) == name) return static_cast<Code>(i);
  }
  return otherwise;
}

static void add_notes(lua_State* L, Error& error) {
  lua_pushliteral(L, "notes");
  lua_rawget(L, -2);
  if (lua_istable(L, -1)) {
    for (int i = 1;; ++i) {
      lua_rawgeti(L, -1, i);
      if (!lua_isstring(L, -1)) {
        lua_pop(L, 1);
        break;
      }
      const std::string key = lua_tostring(L, -1);
      lua_pop(L, 1);
      error.note(key, field_text(L, key.c_str()));
    }
  }
  lua_pop(L, 1);
}

static bool is_error_object(lua_State* L) {
  if (lua_getmetatable(L, -1) == 0) return false;
  luaL_getmetatable(L, kErrorMeta);
  const bool is = lua_rawequal(L, -1, -2) != 0;
  lua_pop(L, 2);
  return is;
}

/// The words for a value that a script has raised, in Lua: it may be anything.
static std::string words_of(lua_State* L) {
  if (lua_type(L, -1) == LUA_TSTRING) return to_text(L, -1);
  const int top = lua_gettop(L);
  std::string out = fmt::format("an error that is a {}", luaL_typename(L, -1));
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  lua_getfield(L, -1, "lugger.inner.base.shown");
  if (lua_istable(L, -1)) {
    lua_getfield(L, -1, "error");
    lua_pushvalue(L, top);
    if (lua_pcall(L, 1, 1, 0) == 0 && lua_type(L, -1) == LUA_TSTRING) out = to_text(L, -1);
  }
  lua_settop(L, top);
  return out;
}

Error pop_error(lua_State* L, Code otherwise) {
  if (!lua_istable(L, -1)) {
    Error error(otherwise, words_of(L));
    lua_pop(L, 1);
    return error;
  }
  const bool ours = is_error_object(L);
  Error error(code_named(field_text(L, "code"), otherwise),
              ours ? field_text(L, "message") : words_of(L), field_text(L, "hint"),
              field_text(L, "sqlstate"));
  if (ours) add_notes(L, error);
  lua_pop(L, 1);
  return error;
}

void call(lua_State* L, int arguments, int results, Code otherwise) {
  if (lua_pcall(L, arguments, results, 0) != 0) throw pop_error(L, otherwise);
}

static int error_text(lua_State* L) {
  lua_getfield(L, 1, "text");
  if (lua_isstring(L, -1)) return 1;
  lua_getfield(L, 1, "message");
  return 1;
}

/// native.error(code, message, hint, sqlstate, notes) returns the error object without raising it.
static int make_error(lua_State* L) {
  Error error(code_named(check_text(L, 1), Code::kConfig), std::string(check_text(L, 2)),
              std::string(text_or(L, 3, "")), std::string(text_or(L, 4, "")));
  if (lua_istable(L, 5)) {
    for (lua_pushnil(L); lua_next(L, 5) != 0; lua_pop(L, 1)) {
      if (lua_type(L, -2) == LUA_TSTRING && lua_isstring(L, -1))
        error.note(lua_tostring(L, -2), to_text(L, -1));
    }
  }
  push_error(L, error);
  return 1;
}

void open_errors(lua_State* L) {
  luaL_newmetatable(L, kErrorMeta);
  lua_pushcfunction(L, error_text);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, "lugger.error");
  lua_setfield(L, -2, "__name");
  lua_pop(L, 1);
  lua_pushcfunction(L, guarded<make_error>);
  lua_setfield(L, -2, "error");
}

}  // namespace lugger
