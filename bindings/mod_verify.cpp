// native.verify(job, options), native.repair(...): a verification that is polled; keys and
// signatures of verdicts.
#include <array>

#include "base/text.hpp"
#include "bindings/guard.hpp"
#include "bindings/modules.hpp"
#include "bindings/tables.hpp"
#include "bindings/userdata.hpp"
#include "bindings/words.hpp"
#include "verify/sign.hpp"
#include "verify/verification.hpp"

namespace lugger {

namespace {

/// A verification looks into its job: the job lives at least as long.
struct LuaVerification {
  std::shared_ptr<Job> job;
  std::unique_ptr<Verification> verification;
};

}  // namespace

template <>
struct UserdataName<LuaVerification> {
  static constexpr char value[] = "lugger.native.verification";
};

static void push(lua_State* L, const ColumnFinding& finding) {
  lua_newtable(L);
  set(L, "table", finding.table);
  set(L, "column", finding.column);
  set(L, "wanted", finding.wanted);
  set(L, "found", finding.found);
}

static void push(lua_State* L, const ColumnDifference& difference) {
  lua_newtable(L);
  set(L, "column", difference.column);
  set(L, "source", difference.source);
  set(L, "target", difference.target);
}

static void push(lua_State* L, const RowFinding& finding) {
  lua_newtable(L);
  set(L, "kind", finding_word(finding.kind));
  set(L, "table", finding.table);
  set(L, "key", finding.key);
  set_list(L, "columns", finding.columns);
}

static void push(lua_State* L, const TableVerdict& table) {
  lua_newtable(L);
  set(L, "table", table.table);
  set(L, "source", table.source);
  set(L, "target", table.target);
  set(L, "equal", table.equal);
  set(L, "missing", table.missing);
  set(L, "extra", table.extra);
  set(L, "different", table.different);
  set(L, "newer", table.newer);
  set(L, "older", table.older);
  set(L, "duplicates", table.duplicates);
  set(L, "settled", table.settled);
  set(L, "source_digest", table.source_digest);
  set(L, "target_digest", table.target_digest);
  set(L, "columns", table.columns);
  set(L, "left_out", table.left_out);
}

static void push(lua_State* L, const Verdict& verdict) {
  lua_newtable(L);
  for (const auto& [name, text] : {std::pair{"job", &verdict.job},
                                   {"run", &verdict.run},
                                   {"run_status", &verdict.run_status},
                                   {"run_now", &verdict.run_now},
                                   {"script_hash", &verdict.script_hash},
                                   {"mapping_hash", &verdict.mapping_hash},
                                   {"source", &verdict.source},
                                   {"source_identity", &verdict.source_identity},
                                   {"target", &verdict.target},
                                   {"target_identity", &verdict.target_identity},
                                   {"server", &verdict.server},
                                   {"position", &verdict.position},
                                   {"started", &verdict.started},
                                   {"finished", &verdict.finished},
                                   {"window", &verdict.window},
                                   {"where", &verdict.where},
                                   {"columns", &verdict.columns},
                                   {"sample", &verdict.sample}}) {
    set(L, name, *text);
  }
  set(L, "equal", verdict.equal);
  set(L, "seconds", verdict.seconds);
  set(L, "seed", verdict.seed);
  set(L, "documents", verdict.documents);
  set(L, "skipped", verdict.skipped);
  set(L, "rejected", verdict.rejected);
  set(L, "kept_rejects", verdict.kept_rejects);
  set(L, "unmapped", verdict.unmapped);
  set(L, "replaced", verdict.replaced);
  set(L, "skip_reasons", verdict.skip_reasons);
  set(L, "reject_codes", verdict.reject_codes);
  set(L, "looked_for_missing", verdict.looked_for_missing);
  set(L, "looked_for_extra", verdict.looked_for_extra);
  set(L, "reasons", verdict.reasons);
  set(L, "notes", verdict.notes);
  set(L, "warnings", verdict.warnings);
  set_list(L, "tables", verdict.tables);
  set_list(L, "altered", verdict.altered);
  set_list(L, "rows", verdict.rows);
}

static void push(lua_State* L, const RepairResult& repair) {
  lua_newtable(L);
  set(L, "applied", repair.applied);
  set(L, "run", repair.run);
  set(L, "documents", repair.documents);
  set(L, "deleted", repair.deleted);
  set(L, "extra_left", repair.extra_left);
  set(L, "beyond_keys", repair.beyond_keys);
  set(L, "of_refused", repair.of_refused);
  set(L, "refused", repair.refused);
  set(L, "rounds", repair.rounds);
  set(L, "notes", repair.notes);
}

static void read_option(lua_State* L, const std::string& key, VerifyOptions& out) {
  static constexpr std::array<std::string_view, 11> kKeys = {
      "jobs",    "sample",      "seed",     "where",      "since",          "since_field",
      "columns", "limit_shown", "rechecks", "group_rows", "overwrite_newer"};
  const size_t at = static_cast<size_t>(std::find(kKeys.begin(), kKeys.end(), key) - kKeys.begin());
  switch (at) {
    case 0: out.jobs = static_cast<int>(luaL_checkinteger(L, -1)); return;
    case 1: out.sample = luaL_checknumber(L, -1); return;
    case 2: out.seed = static_cast<uint64_t>(luaL_checknumber(L, -1)); return;
    case 3: out.where = to_text(L, -1); return;
    case 4: out.since = to_text(L, -1); return;
    case 5: out.since_field = to_text(L, -1); return;
    case 6:
      luaL_checktype(L, -1, LUA_TTABLE);
      for (int i = 1;; ++i) {
        lua_rawgeti(L, -1, i);
        const bool end = lua_isnil(L, -1);
        if (!end) out.columns.push_back(to_text(L, -1));
        lua_pop(L, 1);
        if (end) return;
      }
    case 7: out.limit_shown = static_cast<uint64_t>(luaL_checknumber(L, -1)); return;
    case 8: out.rechecks = static_cast<int>(luaL_checkinteger(L, -1)); return;
    case 9: out.group_rows = static_cast<uint64_t>(luaL_checknumber(L, -1)); return;
    case 10: out.overwrite_newer = lua_toboolean(L, -1) != 0; return;
    default: unknown_key("verify", key, kKeys);
  }
}

static VerifyOptions read_verify_options(lua_State* L, int index) {
  VerifyOptions out;
  if (lua_isnoneornil(L, index)) return out;
  luaL_checktype(L, index, LUA_TTABLE);
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) read_option(L, to_text(L, -2), out);
  return out;
}

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
  return start(L, &options);
}

static Verification& verification_of(lua_State* L) {
  return *check_userdata<LuaVerification>(L, 1).verification;
}

static int verification_poll(lua_State* L) {
  const VerifySnapshot snapshot =
      verification_of(L).poll(static_cast<int>(luaL_optinteger(L, 2, 0)));
  lua_newtable(L);
  set(L, "stage", snapshot.stage);
  set(L, "documents", snapshot.documents);
  set(L, "bytes", snapshot.bytes);
  set(L, "total_bytes", snapshot.total_bytes);
  set(L, "rows", snapshot.rows);
  set(L, "seconds", snapshot.seconds);
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
