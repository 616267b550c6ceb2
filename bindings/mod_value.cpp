// Converts whole documents between Lua strings and JSON text. Single values are passed by FFI
// (abi_document.cpp, abi_scalar.cpp).
#include <new>

#include "bindings/guard.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/table_bson.hpp"
#include "bindings/words.hpp"
#include "value/bson_reader.hpp"
#include "value/json_reader.hpp"
#include "value/json_scan.hpp"
#include "value/json_writer.hpp"
#include "value/patch.hpp"
#include "value/path.hpp"
#include "value/plain_json.hpp"
#include "value/row_bson.hpp"

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
  const std::string_view text = check_text(L, 1);
  if (text_or(L, 2, "extended") == "extended") {
    push(L, bson_from_json(text));
    return 1;
  }
  std::string scratch;
  ByteBuffer out;
  try {
    json::append_strict(text, scratch, out);
  } catch (const json::Mistake& mistake) {
    raise(Code::kParse, "JSON, byte {}: {}", mistake.offset + 1, mistake.message);
  }
  push(L, out.text());
  return 1;
}

static int json_stored(lua_State* L) {
  push(L, bson_of_stored_json(check_text(L, 1)));
  return 1;
}

static int json_plain(lua_State* L) {
  push(L, bson_from_plain_json(check_text(L, 1)));
  return 1;
}

/// bson_patch(bson, is array, changes, kinds): `changes` is BSON with a path for each name, `kinds`
/// a letter for each: "r" removes, "n" is a plain number, "e" an empty table, "s" any other
/// value.
static int bson_patch(lua_State* L) {
  const std::string_view document = check_text(L, 1), changes = check_text(L, 3);
  const std::string_view kinds = check_text(L, 4);
  std::vector<Edit> edits;
  for (BsonReader reader(as_bytes(changes)); reader.next() && edits.size() < kinds.size();) {
    const char kind = kinds[edits.size()];
    edits.push_back({split_path(reader.name()), kind == 'r' ? Value{} : reader.value(), kind == 'n',
                     kind == 'e'});
  }
  ByteBuffer out;
  append_patched(as_bytes(document), lua_toboolean(L, 2) != 0, edits, out);
  push(L, out.text());
  return 1;
}

namespace {

/// What the functions of one Lua state write with. Lua may call one of them while another is under
/// way; that one has a writer of its own.
struct TableWriter {
  TableBson bson;
  bool busy = false;
};

class Busy {
 public:
  explicit Busy(TableWriter& kept) : kept_(kept), taken_(kept.busy) { kept_.busy = true; }
  ~Busy() {
    if (!taken_) kept_.busy = false;
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  TableBson& bson() noexcept { return taken_ ? own_ : kept_.bson; }

 private:
  TableWriter& kept_;
  bool taken_;
  TableBson own_;
};

/// Upvalues: the function for foreign values, lugger.remove, the writer.
template <int (*Write)(lua_State*, TableBson&)>
int writes(lua_State* L) {
  Busy busy(*static_cast<TableWriter*>(lua_touserdata(L, lua_upvalueindex(3))));
  busy.bson().begin(L, lua_upvalueindex(1), lua_topointer(L, lua_upvalueindex(2)));
  try {
    return Write(L, busy.bson());
  } catch (const TableRefused& refused) {
    lua_pushnil(L);
    push(L, refused.message);
    return 2;
  }
}

/// table(t): the bytes, and whether they are an array.
int table_bytes(lua_State* L, TableBson& bson) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const bool array = bson.table(1);
  push(L, bson.text());
  push(L, array);
  return 2;
}

/// place(t): address and size of the bytes, which stand until the next call, and whether they are
/// an array.
int table_place(lua_State* L, TableBson& bson) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const bool array = bson.table(1);
  push(L, reinterpret_cast<uintptr_t>(bson.text().data()));  // a number: what LuaJIT compiles
  push(L, bson.text().size());
  push(L, array);
  return 3;
}

/// fields(names, values): the bytes of a document.
int field_bytes(lua_State* L, TableBson& bson) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  bson.fields(1, 2);
  push(L, bson.text());
  return 1;
}

/// names(t): the names of its fields in the order in which they are stored.
int field_names(lua_State* L, TableBson& bson) {
  luaL_checktype(L, 1, LUA_TTABLE);
  push(L, bson.names(1));
  return 1;
}

int collect_writer(lua_State* L) {
  static_cast<TableWriter*>(lua_touserdata(L, 1))->~TableWriter();
  return 0;
}

}  // namespace

/// table_writer(foreign, remove): a table of functions that write Lua tables as BSON. Each gives nil
/// and a message for what cannot be part of a document.
static int table_writer(lua_State* L) {
  lua_settop(L, 2);
  new (lua_newuserdata(L, sizeof(TableWriter))) TableWriter;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, collect_writer);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, 3);
  static constexpr luaL_Reg kWrites[] = {{"table", guarded<writes<table_bytes>>},
                                         {"place", guarded<writes<table_place>>},
                                         {"fields", guarded<writes<field_bytes>>},
                                         {"names", guarded<writes<field_names>>}};
  lua_createtable(L, 0, 4);
  for (const luaL_Reg& function : kWrites) {
    for (int i = 1; i <= 3; ++i) lua_pushvalue(L, i);
    lua_pushcclosure(L, function.func, 3);
    lua_setfield(L, 4, function.name);
  }
  return 1;
}

static constexpr luaL_Reg kFunctions[] = {
    {"table_writer", guarded<table_writer>},
    {"json_encode", guarded<json_encode>},
    {"json_decode", guarded<json_decode>},
    {"json_stored", guarded<json_stored>},
    {"json_plain", guarded<json_plain>},
    {"bson_patch", guarded<bson_patch>},
    {nullptr, nullptr},
};

void open_value(lua_State* L) { add_functions(L, kFunctions); }

}  // namespace lugger
