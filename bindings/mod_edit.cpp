// native.edit: a line of input with editing and history, by libedit.
#include <editline/readline.h>

#include <cstdlib>
#include <memory>

#include "bindings/guard.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"

namespace lugger {

namespace {

struct Freed {
  void operator()(char* text) const noexcept { std::free(text); }
};

// libedit calls back without an argument of ours: who asks for completions is kept here while it
// reads.
lua_State* g_reading = nullptr;
constexpr char kComplete[] = "lugger.edit.complete";

/// The words Lua offers, in the form readline wants: the common beginning first, then each.
char** offered(lua_State* L) {
  std::vector<std::string> words;
  for (int i = 1;; ++i) {
    lua_rawgeti(L, -1, i);
    const bool end = !lua_isstring(L, -1);
    if (!end) words.push_back(to_text(L, -1));
    lua_pop(L, 1);
    if (end) break;
  }
  if (words.empty()) return nullptr;
  std::string common = words[0];
  for (const std::string& word : words) {
    size_t same = 0;
    while (same < common.size() && same < word.size() && common[same] == word[same]) ++same;
    common.resize(same);
  }
  auto** list = static_cast<char**>(std::calloc(words.size() + 2, sizeof(char*)));
  if (list == nullptr) return nullptr;
  list[0] = strdup(common.c_str());
  for (size_t i = 0; i < words.size(); ++i) list[i + 1] = strdup(words[i].c_str());
  return list;
}

char** complete(const char* word, int start, int) {
  rl_attempted_completion_over = 1;
  lua_State* L = g_reading;
  if (L == nullptr) return nullptr;
  const int top = lua_gettop(L);
  lua_getfield(L, LUA_REGISTRYINDEX, kComplete);
  char** list = nullptr;
  if (lua_isfunction(L, -1)) {
    push(L, word);
    push(L, rl_line_buffer == nullptr ? "" : rl_line_buffer);
    push(L, start);
    if (lua_pcall(L, 3, 1, 0) == 0 && lua_istable(L, -1)) list = offered(L);
  }
  lua_settop(L, top);
  return list;
}

/// libedit shows the prompt before it takes the terminal over. A key pressed in between would be
/// the terminal's: Ctrl-D would be lost.
int take_terminal() {
  rl_prep_terminal(0);
  return 0;
}

}  // namespace

static int read_line(lua_State* L) {
  const std::string prompt(check_text(L, 1));
  rl_readline_name = "lugger";
  rl_attempted_completion_function = complete;
  static char breaks[] = " \t\n\"\\'`@$><=;|&{(,[]#+-*/%^~";
  rl_completer_word_break_characters = breaks;
  rl_completion_append_character = '\0';
  rl_pre_input_hook = take_terminal;
  g_reading = L;
  const std::unique_ptr<char, Freed> line(readline(prompt.c_str()));
  g_reading = nullptr;
  if (line) {
    push(L, line.get());
  } else {
    lua_pushnil(L);
  }
  return 1;
}

static int add_line(lua_State* L) {
  add_history(luaL_checkstring(L, 1));
  return 0;
}

static int load_history(lua_State* L) {
  using_history();
  push(L, read_history(luaL_checkstring(L, 1)) == 0);
  return 1;
}

static int save_history(lua_State* L) {
  stifle_history(1000);
  push(L, write_history(luaL_checkstring(L, 1)) == 0);
  return 1;
}

static int on_complete(lua_State* L) {
  lua_settop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, kComplete);
  return 0;
}

static constexpr luaL_Reg kFunctions[] = {
    {"readline", guarded<read_line>},        {"add_history", guarded<add_line>},
    {"load_history", guarded<load_history>}, {"save_history", guarded<save_history>},
    {"on_complete", guarded<on_complete>},   {nullptr, nullptr},
};

void open_edit(lua_State* L) { add_functions(L, "edit", kFunctions); }

}  // namespace lugger
