// One Lua state: its libraries, lugger's modules, and where `require` looks.
#pragma once
#include <lua.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace lugger {

/// kControl: scripts, the prompt, the command line; interpreted, so that Ctrl-C stops any loop.
/// kWorker: hooks; compiled by the JIT.
enum class Role : uint8_t { kControl, kWorker };

class Interpreter {
 public:
  explicit Interpreter(Role role, std::string stdlib = {});
  lua_State* state() noexcept { return state_.get(); }
  const std::string& stdlib() const noexcept { return stdlib_; }

  /// The interpreter of a state.
  static Interpreter& of(lua_State* L);

  /// The text of a library file: from --stdlib if it is given and contains the file, else embedded.
  std::optional<std::string> find(std::string_view name) const;

  /// Compiles a chunk of text and pushes the function. Text only, never bytecode. Error{config} for
  /// a syntax error.
  void load(std::string_view text, const std::string& chunk_name);
  /// Pushes the result of require(name).
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
