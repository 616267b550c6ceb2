// native.embedder(settings): vectors of texts, by a model behind an HTTP endpoint.
#include "bindings/embedder.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/reader.hpp"
#include "bindings/signals.hpp"

namespace lugger {

static constexpr Reader<EmbedSettings> kSettings[] = {
    reader<&EmbedSettings::url>("url"),
    reader<&EmbedSettings::model>("model"),
    reader<&EmbedSettings::keys>("keys"),
    reader<&EmbedSettings::prefix>("prefix"),
    number_reader<1, &EmbedSettings::dimensions>("dimensions"),
    number_reader<1, &EmbedSettings::batch>("batch"),
    number_reader<1, &EmbedSettings::batch_tokens>("batch_tokens"),
    reader<&EmbedSettings::bytes_per_token>("bytes_per_token"),
    reader<&EmbedSettings::per_million>("per_million"),
    reader<&EmbedSettings::max_usd>("max_usd"),
    number_reader<1, &EmbedSettings::max_tokens>("max_tokens"),
    number_reader<1, &EmbedSettings::max_requests>("max_requests"),
    number_reader<1, &EmbedSettings::longest>("longest"),
    reader<&EmbedSettings::truncate>("truncate"),
    number_reader<1, &EmbedSettings::in_flight>("in_flight"),
    reader<&EmbedSettings::cache>("cache"),
    reader<&EmbedSettings::timeout_s>("timeout_s"),
    reader<&EmbedSettings::requests_per_s>("requests_per_s"),
    reader<&EmbedSettings::verify_tls>("verify_tls"),
    reader<&EmbedSettings::ca_file>("ca_file"),
};

EmbedSettings read_embed_settings(lua_State* L, int index) {
  EmbedSettings settings;
  read_table(L, index, "lugger.embed", kSettings, settings);
  return settings;
}

static int make_embedder(lua_State* L) {
  push_userdata(L, std::make_shared<Embedder>(read_embed_settings(L, 1)));
  return 1;
}

/// The floats of each vector as bytes.
static int embedder_vectors(lua_State* L) {
  Embedder& self = check_userdata<Embedder>(L, 1);
  std::vector<std::string> texts;
  luaL_checktype(L, 2, LUA_TTABLE);
  for (int i = 1;; ++i, lua_pop(L, 1)) {
    lua_rawgeti(L, 2, i);
    if (lua_isnil(L, -1)) break;
    texts.push_back(to_text(L, -1));
  }
  lua_pop(L, 1);
  const EndsAtOnce asks;
  std::vector<std::string> out;
  for (const std::vector<float>& vector : self.vectors(texts))
    out.emplace_back(reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float));
  push(L, out);
  return 1;
}

static int embedder_shown(lua_State* L) {
  push(L, check_userdata<Embedder>(L, 1).shown());
  return 1;
}

static constexpr luaL_Reg kMethods[] = {
    {"vectors", guarded<embedder_vectors>},
    {"shown", guarded<embedder_shown>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"embedder", guarded<make_embedder>},
    {nullptr, nullptr},
};

void open_embed(lua_State* L) {
  define_userdata<Embedder>(L, kMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
