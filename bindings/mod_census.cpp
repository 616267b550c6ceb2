// native.census: counts everything that a source holds.
#include <filesystem>

#include "bindings/census_tables.hpp"
#include "bindings/modules.hpp"
#include "bindings/tables.hpp"
#include "bindings/userdata.hpp"
#include "bindings/words.hpp"
#include "files/oplog_place.hpp"
#include "registry/registry.hpp"

namespace lugger {

template <>
struct UserdataName<Survey> {
  static constexpr char value[] = "lugger.native.census";
};

static SurveySettings read_survey_settings(lua_State* L, int index) {
  static constexpr Reader<SurveySettings> kReaders[] = {
      reader<&SurveySettings::jobs>("jobs"),
      reader<&SurveySettings::limit>("limit"),
      reader<&SurveySettings::sample>("sample"),
  };
  SurveySettings settings;
  if (!lua_isnoneornil(L, index)) read_table(L, index, "a census", kReaders, settings);
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

static int find_references(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  std::vector<const CollectionCensus*> list;
  for (int i = 1; i <= static_cast<int>(lua_objlen(L, 1)); ++i) {
    lua_rawgeti(L, 1, i);
    list.push_back(&check_userdata<Survey>(L, -1).result());
    lua_pop(L, 1);  // the list keeps it alive
  }
  push(L, find_references(list));
  return 1;
}

static int check_references(lua_State* L) {
  const auto from = open_source(std::string(check_text(L, 1)), read_options(L, 2, "source"));
  luaL_checktype(L, 3, LUA_TTABLE);
  std::vector<std::string> paths;
  for (int i = 1; i <= static_cast<int>(lua_objlen(L, 3)); ++i) {
    lua_rawgeti(L, 3, i);
    paths.push_back(to_text(L, -1));
    lua_pop(L, 1);
  }
  const auto to = open_source(std::string(check_text(L, 4)), read_options(L, 5, "source"));
  const auto memory = static_cast<uint64_t>(luaL_optnumber(L, 6, double{256 << 20}));
  push(L, check_references(*from, paths, *to, memory, &signal_stop()));
  return 1;
}

static int try_load(lua_State* L) {
  const auto source = open_source(std::string(check_text(L, 1)), read_options(L, 2, "source"));
  push(L, try_load(*source, luaL_optnumber(L, 3, 1), &signal_stop()));
  return 1;
}

/// Counts the updates in the oplog that a source of this place replays; nil when there is none.
static int count_updates(lua_State* L) {
  const std::string place(check_text(L, 1));
  const Options options = read_options(L, 2, "source");
  const OplogChoice choice = oplog_choice(options);
  std::optional<OplogPlace> oplog;
  if (choice.kind == OplogChoice::Kind::kFile) {
    oplog = oplog_file(choice.file);
  } else if (std::filesystem::is_directory(place)) {
    oplog = oplog_of_directory(place, options);
  }
  if (!oplog) return 0;
  const UpdateCounts counts = count_updates(oplog->open, oplog->shown);
  lua_newtable(L);
  set(L, "place", oplog->shown);
  lua_newtable(L);
  for (const auto& [ns, collection] : counts.collections) {
    push(L, collection);
    lua_setfield(L, -2, ns.c_str());
  }
  lua_setfield(L, -2, "collections");
  return 1;
}

static constexpr luaL_Reg kCensusMethods[] = {
    {"poll", guarded<census_poll>},
    {"ended", guarded<census_ended>},
    {"stop", guarded<census_stop>},
    {"result", guarded<census_result>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"census", guarded<census_new>},
    {"find_references", guarded<find_references>},
    {"check_references", guarded<check_references>},
    {"try_load", guarded<try_load>},
    {"count_updates", guarded<count_updates>},
    {nullptr, nullptr},
};

void open_census(lua_State* L) {
  define_userdata<Survey>(L, kCensusMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
