// The userdata of a model that makes vectors of texts; verifications take it too.
#pragma once
#include "bindings/userdata.hpp"
#include "embed/embedder.hpp"

namespace lugger {

template <>
struct UserdataName<Embedder> {
  static constexpr char value[] = "lugger.native.embedder";
};

/// The table at `index`, as lugger.embed gives it to native.
EmbedSettings read_embed_settings(lua_State* L, int index);

}  // namespace lugger
