// Errors between C++ and Lua: exceptions become error objects, and error objects become exceptions.
#pragma once
#include <lua.hpp>

#include "base/error.hpp"
#include "bindings/stack_guard.hpp"

namespace lugger {

/// Pushes the error object for scripts: code, message, hint, sqlstate, notes; tostring gives the
/// whole message.
void push_error(lua_State* L, const Error& error);
/// Notes the line of the script that is being executed: the nearest outside lugger.
void note_line(lua_State* L, Error& error);
/// Pops the error at the top of the stack. An error object is converted back; anything else becomes
/// an Error with code `otherwise`.
Error pop_error(lua_State* L, Code otherwise);
/// Creates the metatable of error objects.
void open_errors(lua_State* L);

/// A lua_CFunction whose exceptions reach Lua as error objects. Only std::exception is caught:
/// `catch (...)` would swallow Lua's own errors.
template <int (*Function)(lua_State*)>
int guarded(lua_State* L) {
  check_stack(L);
  try {
    return Function(L);
  } catch (Error& error) {
    note_line(L, error);
    push_error(L, error);
  } catch (const std::exception& error) {
    push_error(L, Error(Code::kBug, error.what(), "please report this"));
  }
  return lua_error(L);
}

/// Calls the function on the stack; a Lua error is thrown as Error.
void call(lua_State* L, int arguments, int results, Code otherwise = Code::kBug);

}  // namespace lugger
