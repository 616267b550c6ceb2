#include "bindings/search_tables.hpp"

#include <cstring>

#include "bindings/reader.hpp"

namespace lugger {

static constexpr Field<Hit> kHit[] = {
    field<&Hit::key>("key"),
    field<&Hit::score>("score"),
    field<&Hit::document>("document", "its other columns as JSON"),
};
Record<Hit> record_of(const Hit*) { return {"lugger.native.hit", "", kHit}; }

static constexpr Field<SearchFound> kSearchFound[] = {
    field<&SearchFound::metric>("metric"),
    field<&SearchFound::how>("how", "the index and its settings, or what was compared"),
    field<&SearchFound::key>("key", "names of what identifies a hit"),
    field<&SearchFound::hits>("hits", "nearest first"),
};
Record<SearchFound> record_of(const SearchFound*) {
  return {"lugger.native.search_found", "", kSearchFound};
}

static void read_query(lua_State* L, std::string_view key, SearchRequest& out) {
  const std::string bytes = text_value(L, key);
  out.query.resize(bytes.size() / sizeof(float));
  std::memcpy(out.query.data(), bytes.data(), out.query.size() * sizeof(float));
}

static void read_filter(lua_State* L, std::string_view, SearchRequest& out) {
  for (int i = 1;; ++i, lua_pop(L, 1)) {
    lua_rawgeti(L, -1, i);
    if (!lua_istable(L, -1)) break;
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    out.filter.emplace_back(to_text(L, -2), to_text(L, -1));
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
}

static constexpr Reader<SearchRequest> kRequest[] = {
    {"query", read_query},
    reader<&SearchRequest::text>("text"),
    number_reader<1, &SearchRequest::k>("k"),
    reader<&SearchRequest::column>("column"),
    reader<&SearchRequest::metric>("metric"),
    reader<&SearchRequest::key>("key"),
    {"filter", read_filter},
};

SearchRequest read_search_request(lua_State* L, int index) {
  SearchRequest out;
  read_table(L, index, "search", kRequest, out);
  return out;
}

}  // namespace lugger
