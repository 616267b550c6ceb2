// native.edit: reads a line of input with editing and history, using libedit.
#include <editline/readline.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "bindings/guard.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/paste.hpp"

namespace lugger {

namespace {

struct Freed {
  void operator()(char* text) const noexcept { std::free(text); }
};

// libedit's callbacks have no user argument, so this holds the state that asked for the line.
lua_State* g_reading = nullptr;
PasteReader g_input;
constexpr char kComplete[] = "lugger.edit.complete";

/// The words that Lua offers, in readline's format: first their common beginning, then each word.
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

int next_key(FILE*) { return g_input.next(); }

/// libedit shows the prompt before it switches the terminal's mode. A key pressed in between would
/// be handled by the terminal, and Ctrl-D would be lost.
int take_terminal() {
  rl_prep_terminal(0);
  return 0;
}

}  // namespace

/// Must be called before libedit is used, because it checks this only once.
static void read_keys_ourselves() {
  if (isatty(STDIN_FILENO) != 0) rl_getc_function = next_key;
}

static int read_line(lua_State* L) {
  read_keys_ourselves();
  const std::string prompt(check_text(L, 1));
  rl_readline_name = "lugger";
  rl_attempted_completion_function = complete;
  static char breaks[] = " \t\n\"\\'`@$><=;|&{(,[]#+-*/%^~";
  rl_completer_word_break_characters = breaks;
  rl_completion_append_character = '\0';
  rl_pre_input_hook = take_terminal;
  PasteReader::mark(true);
  g_reading = L;
  const std::unique_ptr<char, Freed> line(readline(prompt.c_str()));
  g_reading = nullptr;
  PasteReader::mark(false);
  const std::string held = g_input.take_held();
  if (line) {
    push(L, line.get() + held);
  } else {
    lua_pushnil(L);
  }
  return 1;
}

/// A line that was pasted after the last one; nil: read from the terminal.
static int pasted_line(lua_State* L) {
  push(L, g_input.take_line());
  return 1;
}

static int forget_paste(lua_State*) {
  g_input.clear();
  return 0;
}

/// Adds a line and removes an equal earlier one.
static int add_line(lua_State* L) {
  read_keys_ourselves();
  const char* line = luaL_checkstring(L, 1);
  for (int at = history_length - 1; at >= 0; --at) {
    const HIST_ENTRY* entry = history_get(history_base + at);
    if (entry == nullptr || std::string_view(entry->line) != line) continue;
    HIST_ENTRY* gone = remove_history(at);
    if (gone != nullptr) {
      std::free(const_cast<char*>(gone->line));
      std::free(gone);
    }
  }
  add_history(line);
  return 0;
}

static int load_history(lua_State* L) {
  read_keys_ourselves();
  using_history();
  push(L, read_history(luaL_checkstring(L, 1)) == 0);
  return 1;
}

static int save_history(lua_State* L) {
  stifle_history(1000);
  const mode_t before = umask(077);
  push(L, write_history(luaL_checkstring(L, 1)) == 0);
  umask(before);
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
    {"on_complete", guarded<on_complete>},   {"pasted_line", guarded<pasted_line>},
    {"forget_paste", guarded<forget_paste>}, {nullptr, nullptr},
};

void open_edit(lua_State* L) { add_functions(L, "edit", kFunctions); }

}  // namespace lugger
