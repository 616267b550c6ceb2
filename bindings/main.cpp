// lugger: passes its arguments to Lua. Handles only --stdlib DIR and --lua FILE itself.
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "base/url.hpp"
#include "bindings/guard.hpp"
#include "bindings/interpreter.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/process_title.hpp"
#include "bindings/signals.hpp"
#include "bindings/standard_streams.hpp"
#include "postgres/lock_watch.hpp"
#include "postgres/place.hpp"

namespace lugger {

namespace {

struct Invocation {
  std::string stdlib, file;
  std::vector<std::string> rest;
};

Invocation read_arguments(std::span<char*> arguments) {
  Invocation out;
  size_t i = 1;
  for (; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    const bool more = i + 1 < arguments.size();
    if (word == "--stdlib" && more) {
      out.stdlib = arguments[++i];
    } else if (word == "--lua" && more) {
      out.file = arguments[++i];
      ++i;
      break;
    } else {
      break;
    }
  }
  for (; i < arguments.size(); ++i) out.rest.emplace_back(arguments[i]);
  return out;
}

void set_arg(lua_State* L, const Invocation& invocation, const char* program) {
  push(L, invocation.rest);
  push(L, invocation.file.empty() ? std::string(program) : invocation.file);
  lua_rawseti(L, -2, 0);
  lua_setglobal(L, "arg");
}

/// Pushes the function to call and its arguments. Returns the number of arguments.
int prepare(Interpreter& lua, const Invocation& invocation) {
  lua_State* L = lua.state();
  if (!invocation.file.empty()) {
    lua_getglobal(L, "loadfile");
    push(L, invocation.file);
    call(L, 1, 2);
    if (lua_isnil(L, -2)) throw pop_error(L, Code::kConfig);
    lua_pop(L, 1);
    return 0;
  }
  lua.require("lugger.inner.cli.cli");
  lua_getfield(L, -1, "main");
  lua_remove(L, -2);
  lua_getglobal(L, "arg");
  return 1;
}

void print_error(lua_State* L) {
  lua_getglobal(L, "tostring");
  lua_insert(L, -2);
  const bool told = lua_pcall(L, 1, 1, 0) == 0 && lua_isstring(L, -1);
  const std::string text = told ? mask_text(to_text(L, -1)) : "an error that cannot be printed";
  tell("error", text);
}

bool is_interruption(lua_State* L) {
  if (!lua_istable(L, -1)) return false;
  lua_getfield(L, -1, "code");
  const bool interrupted =
      lua_isstring(L, -1) && std::string_view(lua_tostring(L, -1)) == code_name(Code::kInterrupted);
  lua_pop(L, 1);
  return interrupted;
}

struct SignalsForgotten {
  ~SignalsForgotten() { forget_signals(); }
};

/// A server that is starting at the same time, as in a compose file, is worth waiting for.
void wait_for_servers() {
  constexpr int kSeconds = 20;
  const char* given = std::getenv("LUGGER_CONNECT_WAIT");
  ConnectWait wait;
  wait.seconds = given == nullptr ? kSeconds : std::atoi(given);
  wait.tell = [](const std::string& text) { tell("warning", text); };
  wait.stop = &signal_stop();
  set_connect_wait(std::move(wait));
}

struct WaitsTold {
  WaitsTold() {
    tell_of_locks([](const std::string& text) {
      if (isatty(STDERR_FILENO) != 0) std::fputs("\r\033[K", stderr);
      tell("warning", text);
    });
  }
  ~WaitsTold() { tell_of_locks({}); }
  WaitsTold(const WaitsTold&) = delete;
  WaitsTold& operator=(const WaitsTold&) = delete;
};

int run(int count, char** words) {
  const Invocation invocation = read_arguments({words, static_cast<size_t>(count)});
  Interpreter lua(Role::kControl, invocation.stdlib);
  lua_State* L = lua.state();
  const SignalsForgotten before_the_state_closes;
  install_signals(L);
  const StopScope scope(signal_stop());
  wait_for_servers();
  const WaitsTold waits_told;
  set_arg(L, invocation, words[0]);
  const int arguments = prepare(lua, invocation);
  const int handler = lua_gettop(L) - arguments;
  lua_pushcfunction(L, traceback);
  lua_insert(L, handler);
  if (lua_pcall(L, arguments, 1, handler) != 0) {
    const bool interrupted = is_interruption(L);
    print_error(L);
    return interrupted ? 130 : 1;
  }
  return lua_isnumber(L, -1) ? static_cast<int>(lua_tointeger(L, -1)) : 0;
}

}  // namespace
}  // namespace lugger

/// UTF-8 characters at the prompt and in tables. Numbers and sorting stay as in the C locale.
static void use_utf8() {
  if (std::setlocale(LC_CTYPE, "") != nullptr && MB_CUR_MAX > 1) return;
  std::setlocale(LC_CTYPE, "C.UTF-8");
}

/// MongoDB's driver counts in shared memory, and says on standard error when it gets none. Said
/// here, since no other thread may read the environment meanwhile.
static void keep_driver_quiet() { setenv("MONGOC_DISABLE_SHM", "1", 0); }

int main(int count, char** words) {
  lugger::occupy_closed_streams();
  keep_driver_quiet();
  use_utf8();
  lugger::remember_arguments(count, words);
  try {
    return lugger::with_output_written(lugger::run(count, words));
  } catch (const lugger::Error& error) {
    lugger::tell("error", error.what());
    return error.code() == lugger::Code::kInterrupted ? 130 : 1;
  } catch (const std::exception& error) {
    lugger::tell("error", error.what());
    return 1;
  }
}
