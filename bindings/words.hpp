// The words that scripts use for enums, and the columns that they describe.
#pragma once
#include <lua.hpp>
#include <string_view>

#include "base/options.hpp"
#include "base/words.hpp"
#include "bindings/reader.hpp"
#include "plan/column.hpp"

namespace lugger {

/// Reads a column table of a job ({ 'email', 'text', required = true }). Error{config} names the
/// column and the key.
Column read_column(lua_State* L, int index);
/// Sets one key of a policy from the value at the top of the stack, which stays there. False: it is
/// not a policy key.
bool read_policy_key(lua_State* L, std::string_view key, CoercePolicy& policy);
Words policy_keys() noexcept;

JsonStyle json_style_named(std::string_view word);

/// Reads options of a source or target from a Lua table; nil gives none. The Lua library has
/// already turned nested tables into JSON text.
Options read_options(lua_State* L, int index, std::string_view what);

}  // namespace lugger
