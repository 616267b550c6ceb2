// One Lua state: libraries, lugger's modules, where `require` may look.
#pragma once
#include <lua.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lugger {

/// kControl: scripts, the prompt, the command line; interpreted, so that Ctrl-C stops any loop.
/// kWorker: hooks, compiled.
enum class Role : uint8_t { kControl, kWorker };

class Interpreter {
 public:
  explicit Interpreter(Role role, std::string stdlib = {});
  lua_State* state() noexcept { return state_.get(); }
  const std::string& stdlib() const noexcept { return stdlib_; }

  /// The interpreter a state belongs to.
  static Interpreter& of(lua_State* L);

  /// Text of a library file: below --stdlib when given and there, else embedded.
  std::optional<std::string> find(std::string_view name) const;

  /// Pushes the function a chunk of text compiles to; text only, never bytecode. Error{config} for
  /// a syntax error.
  void load(std::string_view text, const std::string& chunk_name);
  /// Pushes what require(name) gives.
  void require(const char* name);

 private:
  void open_libraries(Role role);
  struct Close {
    void operator()(lua_State* L) const noexcept { lua_close(L); }
  };
  std::string stdlib_;
  std::unique_ptr<lua_State, Close> state_;
};

/// A message handler for lua_pcall: adds a traceback to errors that are plain text.
int traceback(lua_State* L);

}  // namespace lugger
