// The census as plain Lua tables, with the names of census/census.hpp.
#pragma once
#include "bindings/lua_table.hpp"
#include "census/survey.hpp"

namespace lugger {

void push(lua_State* L, const SurveySnapshot& snapshot);
void push(lua_State* L, const CollectionCensus& census);

}  // namespace lugger
