#include "bindings/lua_table.hpp"

#include <fmt/format.h>

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
      // Values of ours (dates, decimals, int64) say themselves through __tostring.
      lua_getglobal(L, "tostring");
      lua_pushvalue(L, absolute(L, index < 0 ? index - 1 : index));
      lua_call(L, 1, 1);
      std::string out = lua_isstring(L, -1) ? lua_tostring(L, -1) : "";
      lua_pop(L, 1);
      return out;
    }
  }
}

}  // namespace lugger
