// native.job(spec): plan, preview, trace, start, spool; the run that start returns, the spooler, and
// what the feeds of several jobs share.
#include "bindings/job_spec.hpp"
#include "bindings/lua_table.hpp"
#include "bindings/modules.hpp"
#include "bindings/run_methods.hpp"
#include "bindings/signals.hpp"
#include "engine/job_impl.hpp"
#include "engine/rehearse.hpp"
#include "place/feed.hpp"

namespace lugger {

namespace {

/// A run uses its job, so it keeps the job alive.
struct LuaRun {
  std::shared_ptr<Job> job;
  std::unique_ptr<Run> run;
  operator Run&() const noexcept { return *run; }
};

/// So does a spooler.
struct LuaSpooler {
  std::shared_ptr<Job> job;
  std::unique_ptr<Spooler> spooler;
};

}  // namespace

template <>
struct UserdataName<LuaRun> {
  static constexpr char value[] = "lugger.native.run";
};
template <>
struct UserdataName<LuaSpooler> {
  static constexpr char value[] = "lugger.native.spooler";
};

template <>
struct UserdataName<FeedHub> {
  static constexpr char value[] = "lugger.native.feed_hub";
};

static int job_new(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  push_userdata(L, std::make_shared<Job>(read_job_spec(L, 1)));
  return 1;
}

static int job_name(lua_State* L) {
  push(L, check_userdata<Job>(L, 1).name());
  return 1;
}

static int job_shape(lua_State* L) {
  push(L, *check_userdata<Job>(L, 1).shape());
  return 1;
}

static int job_inverse(lua_State* L) {
  Job& job = check_userdata<Job>(L, 1);
  push(L, job.inverse(), *job.shape());
  return 1;
}

static int job_is_small(lua_State* L) {
  push(L, check_userdata<Job>(L, 1).is_small());
  return 1;
}

static int job_plan(lua_State* L) {
  const EndsAtOnce looks;
  push(L, check_userdata<Job>(L, 1).plan(read_settings(L, 2)));
  return 1;
}

static int job_preview(lua_State* L) {
  const EndsAtOnce looks;
  push(L, check_userdata<Job>(L, 1).preview(whole_or<size_t>(L, 2, "documents", 1, 10)));
  return 1;
}

static int job_rehearse(lua_State* L) {
  push(L, rehearse(check_userdata<Job>(L, 1), whole_or<uint64_t>(L, 2, "limit", 0, 0),
                   &signal_stop()));
  return 1;
}

static int job_trace(lua_State* L) {
  const EndsAtOnce looks;
  push(L, check_userdata<Job>(L, 1).trace(std::string(check_text(L, 2))));
  return 1;
}

static int job_preflight(lua_State* L) {
  const EndsAtOnce looks;
  push_list(L, check_userdata<Job>(L, 1).preflight());
  return 1;
}

static int job_preflight_source(lua_State* L) {
  const EndsAtOnce looks;
  const auto limit = whole_or<uint64_t>(L, 2, "limit", 0, 0);
  push_list(L, check_userdata<Job>(L, 1).preflight_source(limit, &signal_stop()));
  return 1;
}

static int job_start(lua_State* L) {
  auto made = std::make_shared<LuaRun>();
  made->run = check_userdata<Job>(L, 1).start(read_settings(L, 2));
  made->job = userdata_pointer<Job>(L, 1);
  push_userdata(L, std::move(made));
  return 1;
}

static int job_spool(lua_State* L) {
  const EndsAtOnce looks;
  auto made = std::make_shared<LuaSpooler>();
  made->spooler = check_userdata<Job>(L, 1).spool(lua_toboolean(L, 2) != 0);
  made->job = userdata_pointer<Job>(L, 1);
  push_userdata(L, std::move(made));
  return 1;
}

static int job_move_stage(lua_State* L) {
  const EndsAtOnce looks;
  push(L, check_userdata<Job>(L, 1).move_stage() == MoveStage::kCopy ? "copy" : "follow");
  return 1;
}

static int job_ask_to_follow(lua_State* L) {
  const EndsAtOnce looks;
  const Job::FollowAnswer answer = check_userdata<Job>(L, 1).ask_to_follow();
  push(L, answer.obstacle);
  push(L, answer.advice);
  return 2;
}

static int job_share(lua_State* L) {
  const EndsAtOnce looks;
  push(L, check_userdata<Job>(L, 1).share(check_userdata<FeedHub>(L, 2)));
  return 1;
}

static int hub_new(lua_State* L) {
  push_userdata(L, std::make_shared<FeedHub>());
  return 1;
}

static int hub_told(lua_State* L) {
  push(L, check_userdata<FeedHub>(L, 1).told());
  return 1;
}

static int spooler_poll(lua_State* L) {
  const auto timeout = static_cast<int>(luaL_optinteger(L, 2, kLookMs));
  push(L, check_userdata<LuaSpooler>(L, 1).spooler->poll(timeout));
  return 1;
}

static int spooler_stop(lua_State* L) {
  Spooler& spooler = *check_userdata<LuaSpooler>(L, 1).spooler;
  spooler.stop(signal_stop());
  push(L, spooler.poll(0));
  return 1;
}

static int jobs_by_default(lua_State* L) {
  push(L, default_jobs());
  return 1;
}

static constexpr luaL_Reg kJobMethods[] = {
    {"name", guarded<job_name>},
    {"shape", guarded<job_shape>},
    {"inverse", guarded<job_inverse>},
    {"is_small", guarded<job_is_small>},
    {"plan", guarded<job_plan>},
    {"preview", guarded<job_preview>},
    {"trace", guarded<job_trace>},
    {"rehearse", guarded<job_rehearse>},
    {"preflight", guarded<job_preflight>},
    {"preflight_source", guarded<job_preflight_source>},
    {"start", guarded<job_start>},
    {"spool", guarded<job_spool>},
    {"move_stage", guarded<job_move_stage>},
    {"share", guarded<job_share>},
    {"ask_to_follow", guarded<job_ask_to_follow>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kSpoolerMethods[] = {
    {"poll", guarded<spooler_poll>},
    {"stop", guarded<spooler_stop>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kHubMethods[] = {
    {"told", guarded<hub_told>},
    {nullptr, nullptr},
};
static constexpr luaL_Reg kRunMethods[] = {
    {"poll", guarded<RunMethods<LuaRun>::poll>},
    {"ended", guarded<RunMethods<LuaRun>::ended>},
    {"stop", guarded<RunMethods<LuaRun>::stop>},
    {"result", guarded<RunMethods<LuaRun>::result>},
    {nullptr, nullptr},
};
/// native.check_settings(settings): raises an error for what is no setting of a run.
static int check_settings(lua_State* L) {
  read_settings(L, 1);
  return 0;
}

static constexpr luaL_Reg kFunctions[] = {
    {"check_settings", guarded<check_settings>},
    {"default_jobs", guarded<jobs_by_default>},
    {"feed_hub", guarded<hub_new>},
    {"job", guarded<job_new>},
    {nullptr, nullptr},
};

void open_job(lua_State* L) {
  define_userdata<Job>(L, kJobMethods);
  define_userdata<LuaRun>(L, kRunMethods);
  define_userdata<LuaSpooler>(L, kSpoolerMethods);
  define_userdata<FeedHub>(L, kHubMethods);
  add_functions(L, kFunctions);
}

}  // namespace lugger
