#include "bindings/lua_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace lugger {

std::string to_text(lua_State* L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TSTRING: {
      size_t size = 0;
      const char* text = lua_tolstring(L, index, &size);
      return {text, size};
    }
    case LUA_TNUMBER: {
      const double number = lua_tonumber(L, index);
      if (number == static_cast<double>(static_cast<int64_t>(number)) && number < 1e15 &&
          number > -1e15) {
        return fmt::format("{}", static_cast<int64_t>(number));
      }
      return fmt::format("{}", number);
    }
    case LUA_TBOOLEAN: return lua_toboolean(L, index) != 0 ? "true" : "false";
    default: {
      // lugger's own values (dates, decimals, int64) are converted by __tostring.
      lua_getglobal(L, "tostring");
      lua_pushvalue(L, absolute(L, index < 0 ? index - 1 : index));
      lua_call(L, 1, 1);
      std::string out = lua_isstring(L, -1) ? lua_tostring(L, -1) : "";
      lua_pop(L, 1);
      return out;
    }
  }
}

double whole_number(lua_State* L, int index, std::string_view what, double least, double most) {
  constexpr double kExact = 9007199254740992;  // 2^53: above it, doubles skip integers
  most = std::min(most, kExact);
  const double value = lua_type(L, index) == LUA_TNUMBER ? lua_tonumber(L, index) : NAN;
  if (value >= least && value <= most && value == std::floor(value)) return value;
  const std::string to = most == kExact ? std::string() : fmt::format(" to {:.0f}", most);
  raise(Code::kConfig, "{} must be a whole number from {:.0f}{}, not {}", what, least, to,
        to_text(L, index));
}

}  // namespace lugger
