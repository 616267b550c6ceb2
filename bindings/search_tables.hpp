// Searches as Lua tables.
#pragma once
#include "bindings/record.hpp"
#include "engine/search.hpp"

namespace lugger {

Record<Hit> record_of(const Hit*);
Record<SearchFound> record_of(const SearchFound*);

/// Reads { query = bytes of floats, text =, k =, column =, metric =, key = {...}, filter = { { name,
/// text }, ... } }.
SearchRequest read_search_request(lua_State* L, int index);

}  // namespace lugger
