// native.system: functions of the operating system for the command line.
#include <fnmatch.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/digest.hpp"
#include "base/gate.hpp"
#include "base/text.hpp"
#include "base/this_process.hpp"
#include "base/url.hpp"
#include "base/whole_file.hpp"
#include "bindings/guard.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/standard_streams.hpp"
#include "bindings/userdata.hpp"

namespace lugger {

namespace fs = std::filesystem;

template <>
struct UserdataName<WholeFile> {
  static constexpr char value[] = "lugger.native.whole_file";
};

static int get_env(lua_State* L) {
  const char* value = std::getenv(luaL_checkstring(L, 1));
  if (value == nullptr) {
    lua_pushnil(L);
  } else {
    push(L, value);
  }
  return 1;
}

static int set_dotenv(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING) setenv(lua_tostring(L, -2), to_text(L, -1).c_str(), 0);
  }
  return 0;
}

static int is_a_tty(lua_State* L) {
  push(L, isatty(static_cast<int>(luaL_checkinteger(L, 1))) != 0);
  return 1;
}

static winsize window() {
  winsize size = {};
  for (int fd : {STDERR_FILENO, STDOUT_FILENO, STDIN_FILENO}) {
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) break;
  }
  return size;
}

static int width(lua_State* L) {
  push(L, window().ws_col);
  return 1;
}

static int height(lua_State* L) {
  push(L, window().ws_row);
  return 1;
}

static int monotonic(lua_State* L) {
  push(L,
       std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count());
  return 1;
}

static int sleep_ms(lua_State* L) {
  // sleep_for would continue after a signal.
  const auto ms = static_cast<int64_t>(luaL_checknumber(L, 1));
  timespec time = {ms / 1000, (ms % 1000) * 1000000};
  nanosleep(&time, nullptr);
  return 0;
}

static int stat_path(lua_State* L) {
  struct stat found = {};
  const AllowedPath path(std::string(check_text(L, 1)));
  if (stat(path.c_str(), &found) != 0) {
    lua_pushnil(L);
    return 1;
  }
  lua_newtable(L);
  set(L, "size", found.st_size);
  set(L, "mtime",
      static_cast<double>(found.st_mtim.tv_sec) + static_cast<double>(found.st_mtim.tv_nsec) / 1e9);
  set(L, "is_dir", S_ISDIR(found.st_mode));
  set(L, "is_file", S_ISREG(found.st_mode));
  set(L, "mode", found.st_mode & 07777U);
  return 1;
}

static int read_file(lua_State* L) {
  const AllowedPath allowed(std::string(check_text(L, 1)));
  const std::string& path = allowed.text();
  std::ifstream in(path, std::ios::binary);
  if (!in || fs::is_directory(path))
    raise(Code::kRead, "cannot read {}: {}", path, std::strerror(errno));
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  push(L, text);
  return 1;
}

/// A file or directory that will be created.
static AllowedPath path_to_make(lua_State* L, int argument) {
  std::string path(check_text(L, argument));
  if (is_database_url(path))
    throw Error(Code::kConfig, fmt::format("{} is a database, and no path of files", path),
                "a file or a directory belongs here; one of that name is written ./NAME");
  return {std::move(path)};
}

static int write_file(lua_State* L) {
  const auto mode = static_cast<unsigned>(luaL_optinteger(L, 3, 0666));
  write_whole_file(path_to_make(L, 1), check_text(L, 2), mode);
  return 0;
}

static int open_whole_file(lua_State* L) {
  push_userdata(L, std::make_shared<WholeFile>(path_to_make(L, 1)));
  return 1;
}

static int write_piece(lua_State* L) {
  check_userdata<WholeFile>(L, 1).write(check_text(L, 2));
  return 0;
}

static int settle(lua_State* L) {
  check_userdata<WholeFile>(L, 1).settle();
  return 0;
}

static int list_dir(lua_State* L) {
  const AllowedPath path(std::string(check_text(L, 1)));
  std::error_code failed;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path.text(), failed))
    names.push_back(entry.path().filename().string());
  if (failed) {
    lua_pushnil(L);
    return 1;
  }
  std::sort(names.begin(), names.end());
  push(L, names);
  return 1;
}

static int matches_glob(lua_State* L) {
  const std::string pattern(check_text(L, 1)), name(check_text(L, 2));
  push(L, fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0);
  return 1;
}

static int make_dir(lua_State* L) {
  const std::string path = path_to_make(L, 1).text();
  std::error_code failed;
  fs::create_directories(path, failed);
  if (failed) raise(Code::kConfig, "cannot make the directory {}: {}", path, failed.message());
  return 0;
}

/// Allows places that the user named in lugger.toml, in .env or on the command line.
static int gate_allow(lua_State* L) {
  allow_place(std::string(check_text(L, 1)));
  return 0;
}

static int gate_shut(lua_State*) {
  shut_gate();
  return 0;
}

static int gate_closed(lua_State* L) {
  push(L, gate_is_shut());
  return 1;
}

static int cwd(lua_State* L) {
  push(L, fs::current_path().string());
  return 1;
}

static int sha256(lua_State* L) {
  push(L, sha256_hex(check_text(L, 1)));
  return 1;
}

static int utf8(lua_State* L) {
  push(L, is_utf8(check_text(L, 1)));
  return 1;
}

static int mask(lua_State* L) {
  push(L, mask_secrets(check_text(L, 1)));
  return 1;
}

static int mask_sentence(lua_State* L) {
  push(L, mask_text(std::string(check_text(L, 1))));
  return 1;
}

static int as_events(lua_State*) {
  tell_as_events();
  return 0;
}

static int distance(lua_State* L) {
  push(L, edit_distance(check_text(L, 1), check_text(L, 2)));
  return 1;
}

static int nearest_word(lua_State* L) {
  luaL_checktype(L, 2, LUA_TTABLE);
  std::vector<std::string> words;
  for (int i = 1;; ++i) {
    lua_rawgeti(L, 2, i);
    if (lua_isnil(L, -1)) break;
    words.push_back(to_text(L, -1));
    lua_pop(L, 1);
  }
  const std::vector<std::string_view> views(words.begin(), words.end());
  const std::string_view near = nearest(check_text(L, 1), views);
  if (near.empty()) {
    lua_pushnil(L);
  } else {
    push(L, near);
  }
  return 1;
}

static int human(lua_State* L) {
  push(L, human_bytes(static_cast<uint64_t>(luaL_checknumber(L, 1))));
  return 1;
}

static int pid(lua_State* L) {
  push(L, getpid());
  return 1;
}

static int process(lua_State* L) {
  push(L, this_process());
  return 1;
}

static int cpus(lua_State* L) {
  push(L, std::max(1U, std::thread::hardware_concurrency()));
  return 1;
}

static constexpr luaL_Reg kFunctions[] = {
    {"getenv", guarded<get_env>},
    {"set_dotenv", guarded<set_dotenv>},
    {"isatty", guarded<is_a_tty>},
    {"height", guarded<height>},
    {"width", guarded<width>},
    {"monotonic", guarded<monotonic>},
    {"sleep", guarded<sleep_ms>},
    {"stat", guarded<stat_path>},
    {"read_file", guarded<read_file>},
    {"write_file", guarded<write_file>},
    {"whole_file", guarded<open_whole_file>},
    {"list_dir", guarded<list_dir>},
    {"matches_glob", guarded<matches_glob>},
    {"make_dir", guarded<make_dir>},
    {"cwd", guarded<cwd>},
    {"sha256", guarded<sha256>},
    {"is_utf8", guarded<utf8>},
    {"mask_secrets", guarded<mask>},
    {"mask_text", guarded<mask_sentence>},
    {"as_events", guarded<as_events>},
    {"edit_distance", guarded<distance>},
    {"nearest", guarded<nearest_word>},
    {"human_bytes", guarded<human>},
    {"pid", guarded<pid>},
    {"process", guarded<process>},
    {"cpus", guarded<cpus>},
    {nullptr, nullptr},
};

static constexpr luaL_Reg kWholeFile[] = {
    {"write", guarded<write_piece>},
    {"settle", guarded<settle>},
    {nullptr, nullptr},
};

static constexpr luaL_Reg kGate[] = {
    {"allow", guarded<gate_allow>},
    {"shut", guarded<gate_shut>},
    {"is_shut", guarded<gate_closed>},
    {nullptr, nullptr},
};

void open_system(lua_State* L) {
  define_userdata<WholeFile>(L, kWholeFile);
  add_functions(L, "system", kFunctions);
  add_functions(L, "gate", kGate);
}

}  // namespace lugger
