// The words scripts use for enums, and the columns they describe.
#pragma once
#include <lua.hpp>
#include <string_view>

#include "base/options.hpp"
#include "base/words.hpp"
#include "bindings/reader.hpp"
#include "plan/column.hpp"

namespace lugger {

/// A column table of a job ({ 'email', 'text', required = true }). Error{config} names the column
/// and the key.
Column read_column(lua_State* L, int index);
/// Sets one policy key; false: it is not a policy key. The value is at the top of the stack and
/// stays there.
bool read_policy_key(lua_State* L, std::string_view key, CoercePolicy& policy);
Words policy_keys() noexcept;

JsonStyle json_style_named(std::string_view word);

/// Options of a source or target from a Lua table; nil is none. Nested tables were turned into JSON
/// text by the library.
Options read_options(lua_State* L, int index, std::string_view what);

}  // namespace lugger
