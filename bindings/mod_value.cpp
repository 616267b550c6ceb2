// Converts whole documents between Lua strings and JSON text. Single values are passed by FFI
// (abi_document.cpp, abi_scalar.cpp).
#include "bindings/guard.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/words.hpp"
#include "value/bson_reader.hpp"
#include "value/json_reader.hpp"
#include "value/json_writer.hpp"
#include "value/patch.hpp"
#include "value/path.hpp"
#include "value/plain_json.hpp"

namespace lugger {

static int json_encode(lua_State* L) {
  const std::string_view bson = check_text(L, 1);
  const JsonStyle style = json_style_named(text_or(L, 2, "relaxed"));
  Document document;
  document.data = as_bytes(bson).data();
  document.size = static_cast<uint32_t>(bson.size());
  push(L, document_json(document, style));
  return 1;
}

static int json_decode(lua_State* L) {
  push(L, bson_from_json(check_text(L, 1)));
  return 1;
}

static int json_plain(lua_State* L) {
  push(L, bson_from_plain_json(check_text(L, 1)));
  return 1;
}

/// bson_patch(bson, is array, changes, kinds): `changes` is BSON with a path for each name, `kinds`
/// a letter for each: "r" removes, "n" is a plain number, "s" any other value.
static int bson_patch(lua_State* L) {
  const std::string_view document = check_text(L, 1), changes = check_text(L, 3);
  const std::string_view kinds = check_text(L, 4);
  std::vector<Edit> edits;
  for (BsonReader reader(as_bytes(changes)); reader.next() && edits.size() < kinds.size();) {
    const char kind = kinds[edits.size()];
    edits.push_back(
        {split_path(reader.name()), kind == 'r' ? Value{} : reader.value(), kind == 'n'});
  }
  ByteBuffer out;
  append_patched(as_bytes(document), lua_toboolean(L, 2) != 0, edits, out);
  push(L, out.text());
  return 1;
}

static constexpr luaL_Reg kFunctions[] = {
    {"json_encode", guarded<json_encode>},
    {"json_decode", guarded<json_decode>},
    {"json_plain", guarded<json_plain>},
    {"bson_patch", guarded<bson_patch>},
    {nullptr, nullptr},
};

void open_value(lua_State* L) { add_functions(L, kFunctions); }

}  // namespace lugger
