#include "bindings/interpreter.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "bindings/embedded.hpp"
#include "bindings/guard.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"

namespace lugger {

static constexpr char kSelf[] = "lugger.interpreter";

static std::optional<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

Interpreter& Interpreter::of(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, kSelf);
  auto* self = static_cast<Interpreter*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return *self;
}

std::optional<std::string> Interpreter::find(std::string_view name) const {
  if (!stdlib_.empty()) {
    if (auto text = read_text(fmt::format("{}/{}", stdlib_, name))) return text;
  }
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.name == name) return std::string(file.text);
  }
  return std::nullopt;
}

/// The file of a module of lugger. Scripts may require "lugger.schema", which is lugger/schema.lua.
/// "lugger.inner.job.place" is inner/job/place.lua, and "lugger.cli.run" is cli/run.lua.
static std::optional<std::string> library_file(std::string_view module) {
  if (module == "lugger" || module == "argparse") return fmt::format("{}.lua", module);
  constexpr std::string_view kOurs = "lugger.";
  if (!module.starts_with(kOurs)) return std::nullopt;
  const std::string_view below = module.substr(kOurs.size());
  const bool in_a_folder = below.starts_with("inner.") || below.starts_with("cli.");
  std::string path(in_a_folder ? below : module);
  std::replace(path.begin(), path.end(), '.', '/');
  return path + ".lua";
}

/// Every chunk of the library has a name that begins with "lugger", wherever its file is.
static std::string chunk_name(std::string_view file) {
  return fmt::format("@{}{}", file.starts_with("lugger") ? "" : "lugger/", file);
}

static int search_library(lua_State* L) {
  const std::string_view module = check_text(L, 1);
  const auto file = library_file(module);
  if (!file) {
    push(
        L,
        "\n\tno such module beside the script (modules are looked for there and in lugger itself)");
    return 1;
  }
  const auto text = Interpreter::of(L).find(*file);
  if (!text) {
    push(L, fmt::format("\n\tlugger has no module '{}'", module));
    return 1;
  }
  if (luaL_loadbufferx(L, text->data(), text->size(), chunk_name(*file).c_str(), "t") != 0)
    throw pop_error(L, Code::kBug);
  return 1;
}

/// loadfile for text only, because bytecode can do anything to the process.
static int load_text_file(lua_State* L) {
  const std::string path(check_text(L, 1));
  const auto text = read_text(path);
  if (!text) {
    lua_pushnil(L);
    push(L, "cannot open " + path);
    return 2;
  }
  std::string_view body = *text;
  if (body.starts_with("#")) body.remove_prefix(std::min(body.find('\n'), body.size()));
  if (luaL_loadbufferx(L, body.data(), body.size(), ("@" + path).c_str(), "t") == 0) return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

static int do_text_file(lua_State* L) {
  const int results = load_text_file(L);
  if (results != 1) throw Error(Code::kConfig, lua_tostring(L, -1));
  lua_call(L, 0, LUA_MULTRET);
  return lua_gettop(L) - 1;
}

Interpreter::Interpreter(Role role, std::string stdlib)
    : stdlib_(std::move(stdlib)), state_(luaL_newstate()) {
  if (!state_) throw Error(Code::kBug, "no memory for a Lua state");
  lua_State* L = state_.get();
  lua_pushlightuserdata(L, this);
  lua_setfield(L, LUA_REGISTRYINDEX, kSelf);
  open_libraries(role);
}

void Interpreter::open_libraries(Role role) {
  lua_State* L = state_.get();
  luaL_openlibs(L);
  // Must come after the libraries, because opening `jit` switches it on.
  if (role == Role::kControl) luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_OFF);
  lua_pushcfunction(L, guarded<load_text_file>);
  lua_setglobal(L, "loadfile");
  lua_pushcfunction(L, guarded<do_text_file>);
  lua_setglobal(L, "dofile");

  lua_getglobal(L, "package");
  set(L, "path", "");
  set(L, "cpath", "");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, open_native);
  lua_setfield(L, -2, "lugger.native");
  lua_pop(L, 1);
  // Only package.preload and our own loader, so nothing is ever loaded from the current directory.
  lua_getfield(L, -1, "loaders");
  lua_pushcfunction(L, guarded<search_library>);
  lua_rawseti(L, -2, 2);
  for (int i = 3; i <= 4; ++i) {
    lua_pushnil(L);
    lua_rawseti(L, -2, i);
  }
  lua_pop(L, 2);

  require("lugger.inner.base.prelude");
  lua_pop(L, 1);
}

void Interpreter::load(std::string_view text, const std::string& chunk_name) {
  lua_State* L = state();
  if (luaL_loadbufferx(L, text.data(), text.size(), chunk_name.c_str(), "t") != 0)
    throw pop_error(L, Code::kConfig);
}

void Interpreter::require(const char* name) {
  lua_State* L = state();
  lua_getglobal(L, "require");
  push(L, name);
  call(L, 1, 1);
}

int traceback(lua_State* L) {
  if (lua_type(L, 1) == LUA_TSTRING) luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

}  // namespace lugger
