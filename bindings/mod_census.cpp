// native.census: counting everything a source holds.
#include "bindings/census_tables.hpp"
#include "bindings/modules.hpp"
#include "bindings/userdata.hpp"
#include "bindings/words.hpp"

namespace lugger {

template <>
struct UserdataName<Survey> {
  static constexpr char value[] = "lugger.native.census";
};

static SurveySettings read_survey_settings(lua_State* L, int index) {
  static constexpr std::array<std::string_view, 3> kKeys = {"jobs", "limit", "sample"};
  SurveySettings settings;
  if (lua_isnoneornil(L, index)) return settings;
  luaL_checktype(L, index, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    const std::string key = to_text(L, -2);
    const double value = lua_tonumber(L, -1);
    if (lua_type(L, -1) != LUA_TNUMBER || value < 0)
      raise(Code::kConfig, "{} must be a number from 0", key);
    if (key == "jobs")
      settings.jobs = static_cast<int>(value);
    else if (key == "limit")
      settings.limit = static_cast<uint64_t>(value);
    else if (key == "sample")
      settings.sample = static_cast<uint64_t>(value);
    else
      unknown_key("a census", key, kKeys);
  }
  return settings;
}

static int census_new(lua_State* L) {
  std::shared_ptr<Source> source =
      open_source(std::string(check_text(L, 1)), read_options(L, 2, "source"));
  push_userdata(L, std::make_shared<Survey>(std::move(source), read_survey_settings(L, 3)));
  return 1;
}

static int census_poll(lua_State* L) {
  push(L, check_userdata<Survey>(L, 1).poll(static_cast<int>(luaL_optinteger(L, 2, 0))));
  return 1;
}

static int census_ended(lua_State* L) {
  push(L, check_userdata<Survey>(L, 1).ended());
  return 1;
}

static int census_stop(lua_State* L) {
  check_userdata<Survey>(L, 1).stop();
  return 0;
}

static int census_result(lua_State* L) {
  push(L, check_userdata<Survey>(L, 1).result());
  return 1;
}

static constexpr luaL_Reg kCensusMethods[] = {
    {"poll", guarded<census_poll>},     {"ended", guarded<census_ended>},
    {"stop", guarded<census_stop>},     {"result", guarded<census_result>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"census", guarded<census_new>},
    {nullptr, nullptr},
};

void open_census(lua_State* L) {
  define_userdata<Survey>(L, kCensusMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
