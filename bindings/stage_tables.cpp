// What stages tell, as Lua tables.
#include "bindings/tables.hpp"

namespace lugger {

void push(lua_State* L, const StepProgress& step) {
  lua_newtable(L);
  set(L, "step", step.step);
  set(L, "table", step.table);
  set(L, "phase", step.phase);
  if (step.share >= 0) set(L, "share", step.share);
  set(L, "seconds", step.seconds);
  set(L, "waiting", step.waiting);
}

void push(lua_State* L, const Refused& refused) {
  lua_newtable(L);
  set(L, "table", refused.table);
  set(L, "column", refused.column);
  set(L, "constraint", refused.constraint);
  set(L, "kind", refused.kind);
  set(L, "rows", refused.rows);
  set(L, "examples", refused.examples);
  set(L, "message", refused.message);
}

void push(lua_State* L, const StepRecord& step) {
  lua_newtable(L);
  set(L, "job", step.job);
  set(L, "stage", step.stage);
  set(L, "step", step.step);
  set(L, "run", step.run);
  set(L, "status", step.status);
  set(L, "statement", step.statement);
  set(L, "message", step.message);
  set(L, "tries", step.tries);
  set(L, "started", step.started);
  set(L, "ended", step.ended);
}

}  // namespace lugger
