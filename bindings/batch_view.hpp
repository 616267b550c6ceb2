// A batch as the views in Lua see it.
#pragma once
#include <lua.hpp>

#include "bindings/abi.h"
#include "plan/batch.hpp"

namespace lugger {

/// Lives as long as the Lua state. So a document that outlives its batch finds a changed generation
/// rather than freed memory.
inline lug_batch* new_view(lua_State* L) {
  auto* view = static_cast<lug_batch*>(lua_newuserdata(L, sizeof(lug_batch)));
  *view = {};
  view->generation = 1;
  luaL_ref(L, LUA_REGISTRYINDEX);
  return view;
}

inline void show_batch(lug_batch& view, Batch& batch) noexcept {
  view.documents = reinterpret_cast<const lug_document*>(batch.documents.data());
  view.count = static_cast<uint32_t>(batch.documents.size());
  view.arena = &batch.arena();
  view.self = &batch;
}

/// Makes all objects that Lua holds of the batch invalid.
inline void retire_view(lug_batch& view) noexcept {
  ++view.generation;
  view.count = 0;
}

}  // namespace lugger
