// Moves C++ values to and from the Lua stack. The push() of a struct is next to the module that
// uses it.
#pragma once
#include <concepts>
#include <cstdint>
#include <limits>
#include <lua.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace lugger {

inline void push(lua_State* L, std::string_view text) {
  lua_pushlstring(L, text.data(), text.size());
}
inline void push(lua_State* L, const std::string& text) { push(L, std::string_view(text)); }
inline void push(lua_State* L, const char* text) { push(L, std::string_view(text)); }
inline void push(lua_State* L, bool value) { lua_pushboolean(L, value ? 1 : 0); }
template <typename T>
requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) void push(lua_State* L, T number) {
  lua_pushnumber(L, static_cast<lua_Number>(number));
}

template <typename T>
void push(lua_State* L, const std::vector<T>& list);
template <typename T>
void push(lua_State* L, const std::map<std::string, T>& map);

template <typename T>
void push(lua_State* L, const std::optional<T>& value) {
  if (value) {
    push(L, *value);
  } else {
    lua_pushnil(L);
  }
}
template <typename T>
void push(lua_State* L, const std::vector<T>& list) {
  luaL_checkstack(L, 4, "lists");
  lua_createtable(L, static_cast<int>(list.size()), 0);
  for (size_t i = 0; i < list.size(); ++i) {
    push(L, static_cast<const T&>(list[i]));
    lua_rawseti(L, -2, static_cast<int>(i) + 1);
  }
}
template <typename T>
void push(lua_State* L, const std::map<std::string, T>& map) {
  lua_newtable(L);
  for (const auto& [key, value] : map) {
    push(L, key);
    push(L, value);
    lua_rawset(L, -3);
  }
}

/// table[name] = value, for the table at the top of the stack.
template <typename T>
void set(lua_State* L, const char* name, const T& value) {
  push(L, value);
  lua_setfield(L, -2, name);
}

/// Formats numbers without changing the value on the stack, which lua_tolstring would.
std::string to_text(lua_State* L, int index);
/// A string argument; the view lives as long as the argument.
inline std::string_view check_text(lua_State* L, int argument) {
  size_t size = 0;
  const char* text = luaL_checklstring(L, argument, &size);
  return {text, size};
}
inline std::string_view text_or(lua_State* L, int argument, std::string_view otherwise) {
  return lua_isnoneornil(L, argument) ? otherwise : check_text(L, argument);
}
/// Reads a whole number within these bounds. Error{config} names `what` and the bounds.
double whole_number(lua_State* L, int index, std::string_view what, double least, double most);
/// Reads a number within the range of `T`; nil gives `otherwise`.
template <std::integral T>
T whole_or(lua_State* L, int index, std::string_view what, T least, T otherwise) {
  if (lua_isnoneornil(L, index)) return otherwise;
  return static_cast<T>(whole_number(L, index, what, static_cast<double>(least),
                                     static_cast<double>(std::numeric_limits<T>::max())));
}
/// Reads a field of a table as whole_or() does.
template <std::integral T>
T whole_field(lua_State* L, int table, const char* name, T least, T otherwise) {
  lua_getfield(L, table, name);
  const T value = whole_or<T>(L, -1, name, least, otherwise);
  lua_pop(L, 1);
  return value;
}
inline int absolute(lua_State* L, int index) {
  return index > 0 || index <= LUA_REGISTRYINDEX ? index : lua_gettop(L) + index + 1;
}

}  // namespace lugger
