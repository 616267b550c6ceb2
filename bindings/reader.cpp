#include "bindings/reader.hpp"

#include <cmath>

#include "base/error.hpp"
#include "base/text.hpp"

namespace lugger {

std::string text_value(lua_State* L, std::string_view key) {
  if (lua_type(L, -1) != LUA_TSTRING)
    raise(Code::kConfig, "{} must be text, not a {}", key, luaL_typename(L, -1));
  return to_text(L, -1);
}

bool flag_value(lua_State* L, std::string_view key) {
  if (!lua_isboolean(L, -1))
    raise(Code::kConfig, "{} must be true or false, not a {}", key, luaL_typename(L, -1));
  return lua_toboolean(L, -1) != 0;
}

double number_value(lua_State* L, std::string_view key, double least) {
  const double value = lua_tonumber(L, -1);
  if (lua_type(L, -1) != LUA_TNUMBER || !std::isfinite(value) || value < least)
    raise(Code::kConfig, "{} must be a number from {}, not {}", key, least, to_text(L, -1));
  return value;
}

std::vector<std::string> list_value(lua_State* L, std::string_view key) {
  if (lua_type(L, -1) == LUA_TSTRING) return {to_text(L, -1)};
  if (!lua_istable(L, -1))
    raise(Code::kConfig, "{} must be a list of texts, not a {}", key, luaL_typename(L, -1));
  std::vector<std::string> out;
  for (int i = 1;; ++i) {
    lua_rawgeti(L, -1, i);
    const bool end = lua_isnil(L, -1);
    if (!end) out.push_back(text_value(L, key));
    lua_pop(L, 1);
    if (end) return out;
  }
}

void unknown_key(std::string_view holder, std::string_view key, Words known) {
  const std::string_view near = nearest(key, known);
  throw Error(Code::kConfig, fmt::format("{} does not know the key \"{}\"", holder, key),
              near.empty() ? fmt::format("it has {}", fmt::join(known, ", "))
                           : fmt::format("did you mean {}?", near));
}

void need_table(lua_State* L, int index, std::string_view holder) {
  if (!lua_istable(L, index))
    raise(Code::kConfig, "{} must be a table, not a {}", holder, luaL_typename(L, index));
}

}  // namespace lugger
