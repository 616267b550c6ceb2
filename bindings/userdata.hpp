// C++ objects in Lua: a shared_ptr in a userdata, released by :close() or by the garbage collector.
#pragma once
#include <lua.hpp>
#include <memory>
#include <new>

#include "base/error.hpp"
#include "bindings/guard.hpp"

namespace lugger {

/// Kind<T> gives the name of the metatable: `static constexpr char name[] = "lugger.native.job"`.
template <typename T>
struct UserdataName;

template <typename T>
bool is_userdata(lua_State* L, int index) {
  if (lua_touserdata(L, index) == nullptr || lua_getmetatable(L, index) == 0) return false;
  luaL_getmetatable(L, UserdataName<T>::value);
  const bool same = lua_rawequal(L, -1, -2) != 0;
  lua_pop(L, 2);
  return same;
}

template <typename T>
void push_userdata(lua_State* L, std::shared_ptr<T> object) {
  new (lua_newuserdata(L, sizeof(std::shared_ptr<T>))) std::shared_ptr<T>(std::move(object));
  luaL_getmetatable(L, UserdataName<T>::value);
  lua_setmetatable(L, -2);
}

/// Throws Error{config}: a method was called without its object. `kind`: "lugger.native.run".
[[noreturn]] void not_the_object(lua_State* L, std::string_view kind);

template <typename T>
std::shared_ptr<T>& userdata_pointer(lua_State* L, int argument) {
  if (argument == 1 && !is_userdata<T>(L, 1)) not_the_object(L, UserdataName<T>::value);
  return *static_cast<std::shared_ptr<T>*>(luaL_checkudata(L, argument, UserdataName<T>::value));
}

/// The object in an argument; Error{config} when it was closed.
template <typename T>
T& check_userdata(lua_State* L, int argument) {
  auto& pointer = userdata_pointer<T>(L, argument);
  if (!pointer)
    raise(Code::kConfig, "this {} is closed",
          UserdataName<T>::value + sizeof("lugger.native.") - 1);
  return *pointer;
}

template <typename T>
int close_userdata(lua_State* L) {
  userdata_pointer<T>(L, 1).reset();
  return 0;
}

/// Errors while an object is collected are not reported, because its destructor must not throw.
template <typename T>
int collect_userdata(lua_State* L) {
  using Pointer = std::shared_ptr<T>;
  static_cast<Pointer*>(lua_touserdata(L, 1))->~Pointer();
  return 0;
}

template <typename T>
int print_userdata(lua_State* L) {
  lua_pushfstring(L, "%s%s", UserdataName<T>::value, userdata_pointer<T>(L, 1) ? "" : " (closed)");
  return 1;
}

/// Creates the metatable; methods is a nullptr-terminated list.
template <typename T>
void define_userdata(lua_State* L, const luaL_Reg* methods) {
  luaL_newmetatable(L, UserdataName<T>::value);
  lua_newtable(L);
  for (; methods->name != nullptr; ++methods) {
    lua_pushcfunction(L, methods->func);
    lua_setfield(L, -2, methods->name);
  }
  lua_pushcfunction(L, guarded<close_userdata<T>>);
  lua_setfield(L, -2, "close");
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, collect_userdata<T>);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, guarded<print_userdata<T>>);
  lua_setfield(L, -2, "__tostring");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

}  // namespace lugger
