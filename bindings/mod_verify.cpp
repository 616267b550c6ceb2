// native.verify(job, options), native.repair(...): a verification to poll; keys and signatures of
// verdicts.
#include "bindings/guard.hpp"
#include "bindings/modules.hpp"
#include "bindings/tables.hpp"
#include "bindings/userdata.hpp"
#include "bindings/verify_tables.hpp"
#include "verify/sign.hpp"

namespace lugger {

namespace {

/// A verification uses its job, so it keeps the job alive.
struct LuaVerification {
  std::shared_ptr<Job> job;
  std::unique_ptr<Verification> verification;
};

}  // namespace

template <>
struct UserdataName<LuaVerification> {
  static constexpr char value[] = "lugger.native.verification";
};

static int start(lua_State* L, const RepairOptions* repair) {
  auto made = std::make_shared<LuaVerification>();
  Job& job = check_userdata<Job>(L, 1);
  made->verification = std::make_unique<Verification>(job, read_verify_options(L, 2), repair);
  made->job = userdata_pointer<Job>(L, 1);
  push_userdata(L, std::move(made));
  return 1;
}

static int verify_job(lua_State* L) { return start(L, nullptr); }

static int repair_job(lua_State* L) {
  RepairOptions options;
  options.apply = lua_toboolean(L, 3) != 0;
  options.delete_extra = lua_toboolean(L, 4) != 0;
  options.delete_many = lua_toboolean(L, 5) != 0;
  if (lua_type(L, 5) == LUA_TSTRING) {
    static constexpr const char* kWords[] = {"unless_none", nullptr};
    luaL_checkoption(L, 5, nullptr, kWords);
    options.keep_if_none = true;
  }
  return start(L, &options);
}

static Verification& verification_of(lua_State* L) {
  return *check_userdata<LuaVerification>(L, 1).verification;
}

static int verification_poll(lua_State* L) {
  push(L, verification_of(L).poll(static_cast<int>(luaL_optinteger(L, 2, 0))));
  return 1;
}

static int verification_ended(lua_State* L) {
  push(L, verification_of(L).ended());
  return 1;
}

static int verification_stop(lua_State* L) {
  verification_of(L).stop();
  return 0;
}

static int verification_result(lua_State* L) {
  push(L, verification_of(L).result());
  return 1;
}

static int verification_before(lua_State* L) {
  push(L, verification_of(L).before());
  return 1;
}

static int verification_repair(lua_State* L) {
  push(L, verification_of(L).repair());
  return 1;
}

static int verdict_make_key(lua_State* L) {
  push(L, make_verdict_key(std::string(check_text(L, 1)), std::string(check_text(L, 2))));
  return 1;
}

static int verdict_sign(lua_State* L) {
  push(L, sign_verdict(check_text(L, 1), std::string(check_text(L, 2)), check_text(L, 3)));
  return 1;
}

static int verdict_check(lua_State* L) {
  push(L, check_verdict(check_text(L, 1), check_text(L, 2), check_text(L, 3)));
  return 1;
}

static constexpr luaL_Reg kMethods[] = {
    {"poll", guarded<verification_poll>},
    {"ended", guarded<verification_ended>},
    {"stop", guarded<verification_stop>},
    {"result", guarded<verification_result>},
    {"before", guarded<verification_before>},
    {"repair", guarded<verification_repair>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kFunctions[] = {
    {"verify", guarded<verify_job>},
    {"repair", guarded<repair_job>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kVerdictFunctions[] = {
    {"make_key", guarded<verdict_make_key>},
    {"sign", guarded<verdict_sign>},
    {"check", guarded<verdict_check>},
    {nullptr, nullptr},
};

void open_verify(lua_State* L) {
  define_userdata<LuaVerification>(L, kMethods);
  add_functions(L, kFunctions);
  add_functions(L, "verdict", kVerdictFunctions);
}

}  // namespace lugger
