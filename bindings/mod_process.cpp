// native.system, second part: other programs, signals, the process list; and native.toml.
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include "base/gate.hpp"
#include "bindings/guard.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/process_title.hpp"
#include "bindings/signals.hpp"
#include "bindings/standard_streams.hpp"

namespace lugger {

namespace {

struct Command {
  std::vector<std::string> words, environment;
  std::vector<char*> argv, envp;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

void read_environment(lua_State* L, Command& command) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t split = text.find('=');
    if (split != text.npos) variables[std::string(text.substr(0, split))] = text.substr(split + 1);
  }
  if (lua_istable(L, 2)) {
    for (lua_pushnil(L); lua_next(L, 2) != 0; lua_pop(L, 1)) {
      if (lua_type(L, -2) == LUA_TSTRING) variables[lua_tostring(L, -2)] = to_text(L, -1);
    }
  }
  for (const auto& [name, value] : variables)
    command.environment.push_back(fmt::format("{}={}", name, value));
}

Command read_command(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  Command command;
  for (int i = 1;; ++i) {
    lua_rawgeti(L, 1, i);
    if (lua_isnil(L, -1)) break;
    command.words.push_back(to_text(L, -1));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  if (command.words.empty()) throw Error(Code::kConfig, "no program is named");
  read_environment(L, command);
  command.argv = pointers(command.words);
  command.envp = pointers(command.environment);
  return command;
}

[[noreturn]] void cannot_start(const std::string& program, int reason) {
  throw Error(Code::kConfig, fmt::format("cannot start {}: {}", program, std::strerror(reason)),
              reason == ENOENT ? "is it installed, and on PATH?" : "");
}

}  // namespace

static int exec(lua_State* L) {
  Command command = read_command(L);
  refuse_program_in_sandbox(command.words[0]);
  execvpe(command.argv[0], command.argv.data(), command.envp.data());
  cannot_start(command.words[0], errno);
}

static int spawn(lua_State* L) {
  Command command = read_command(L);
  refuse_program_in_sandbox(command.words[0]);
  // Ctrl-C in a shared terminal is meant for the child; we keep waiting.
  struct sigaction ignore = {}, before = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &before);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGINT);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, command.argv[0], nullptr, &attributes,
                                  command.argv.data(), command.envp.data());
  posix_spawnattr_destroy(&attributes);
  int status = 0;
  while (failed == 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  sigaction(SIGINT, &before, nullptr);
  if (failed != 0) cannot_start(command.words[0], failed);
  push(L, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 1;
}

/// The parent prints the child's pid and exits. The child has its own session, so closing the
/// terminal does not end it.
static int detach(lua_State* L) {
  const std::string log(check_text(L, 1));
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) raise(Code::kConfig, "cannot write {}: {}", log, std::strerror(errno));
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) raise(Code::kBug, "cannot fork: {}", std::strerror(errno));
  if (child > 0) {
    std::printf("%d\n", static_cast<int>(child));
    _exit(with_output_written(0));
  }
  setsid();
  const int nothing = open("/dev/null", O_RDONLY);
  dup2(nothing, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  push(L, getpid());
  return 1;
}

/// Where the output is larger than that: it gets ".1" at the end of its name, and goes on in a new
/// file. When that cannot be made, it stays as it is.
static int rotate_log(lua_State* L) {
  const std::string log(check_text(L, 1));
  struct stat found = {};
  if (fstat(STDERR_FILENO, &found) != 0 || found.st_size < luaL_checknumber(L, 2)) return 0;
  std::fflush(nullptr);
  if (std::rename(log.c_str(), (log + ".1").c_str()) != 0) return 0;
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) return 0;
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  close(out);
  return 0;
}

static int wipe(lua_State* L) {
  wipe_arguments(check_text(L, 1));
  return 0;
}

static int stop_level(lua_State* L) {
  push(L, static_cast<int>(signal_stop().level()));
  return 1;
}

static int clear_stop(lua_State*) {
  signal_stop().set(StopLevel::kNone);
  return 0;
}

static int interrupt_raises(lua_State* L) {
  push(L, set_interrupt_raises(lua_toboolean(L, 1) != 0));
  return 1;
}

namespace {

void push_toml(lua_State* L, const toml::node& node) {
  luaL_checkstack(L, 4, "TOML");
  if (const auto* table = node.as_table()) {
    lua_newtable(L);
    for (const auto& [key, value] : *table) {
      push(L, std::string(key.str()));
      push_toml(L, value);
      lua_rawset(L, -3);
    }
  } else if (const auto* array = node.as_array()) {
    lua_newtable(L);
    int place = 0;
    for (const toml::node& value : *array) {
      push_toml(L, value);
      lua_rawseti(L, -2, ++place);
    }
  } else if (const auto text = node.value_exact<std::string>()) {
    push(L, *text);
  } else if (const auto flag = node.value_exact<bool>()) {
    push(L, *flag);
  } else if (const auto number = node.value<double>()) {
    push(L, *number);
  } else {
    std::ostringstream out;
    out << toml::node_view<const toml::node>(node);
    push(L, out.str());
  }
}

}  // namespace

static int read_toml(lua_State* L) {
  try {
    push_toml(L, toml::parse(check_text(L, 1)));
  } catch (const toml::parse_error& error) {
    raise(Code::kConfig, "line {}, column {}: {}", error.source().begin.line,
          error.source().begin.column, error.description());
  }
  return 1;
}

static constexpr luaL_Reg kFunctions[] = {
    {"exec", guarded<exec>},
    {"spawn", guarded<spawn>},
    {"detach", guarded<detach>},
    {"rotate_log", guarded<rotate_log>},
    {"wipe_arguments", guarded<wipe>},
    {"stop_level", guarded<stop_level>},
    {"clear_stop", guarded<clear_stop>},
    {"interrupt_raises", guarded<interrupt_raises>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kToml[] = {
    {"toml", guarded<read_toml>},
    {nullptr, nullptr},
};

void open_process(lua_State* L) {
  add_functions(L, "system", kFunctions);
  add_functions(L, kToml);
}

}  // namespace lugger
