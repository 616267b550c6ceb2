// The methods that scripts can call on any run in progress: poll, ended, stop, result.
#pragma once
#include "bindings/guard.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/tables.hpp"
#include "bindings/userdata.hpp"
#include "bindings/words.hpp"
#include "engine/job.hpp"

namespace lugger {

/// How long poll() waits when it is not told: a loop over it must not spin.
inline constexpr int kLookMs = 200;

/// T: the userdata; it is a Run or returns one.
template <typename T>
struct RunMethods {
  static Run& of(lua_State* L) { return check_userdata<T>(L, 1); }

  static int poll(lua_State* L) {
    push(L, of(L).poll(static_cast<int>(luaL_optinteger(L, 2, kLookMs))));
    return 1;
  }
  static int ended(lua_State* L) {
    push(L, of(L).ended());
    return 1;
  }
  static int stop(lua_State* L) {
    static constexpr std::array<std::string_view, 2> kLevels = {"finish", "now"};
    const size_t level = choice("stop", text_or(L, 2, "finish"), kLevels);
    of(L).stop(level == 0 ? StopLevel::kFinish : StopLevel::kNow);
    return 0;
  }
  static int result(lua_State* L) {
    push(L, of(L).result());
    return 1;
  }
};

}  // namespace lugger
