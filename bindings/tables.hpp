// The runtime's structs as plain Lua tables, with the same names.
#pragma once
#include "bindings/lua_table.hpp"
#include "bindings/userdata.hpp"
#include "engine/describe.hpp"
#include "engine/job.hpp"
#include "engine/rehearse.hpp"
#include "engine/run.hpp"
#include "postgres/ddl.hpp"
#include "postgres/steps.hpp"

namespace lugger {

void push(lua_State* L, const Tally& tally);
void push(lua_State* L, const Partition& partition);
void push(lua_State* L, const PartitionRecord& partition);
void push(lua_State* L, const SourceInfo& info);
void push(lua_State* L, const CollectionInfo& info);
void push(lua_State* L, const PlaceInfo& place);
void push(lua_State* L, const TargetColumn& column);
void push(lua_State* L, const TargetReport& report);
void push(lua_State* L, const Column& column);
void push(lua_State* L, const TablePlan& table);
void push(lua_State* L, const PlanShape& shape);
void push(lua_State* L, const MappingInverse& inverse, const PlanShape& shape);
void push(lua_State* L, const JobPlan& plan);
void push(lua_State* L, const PreviewDocument& document);
void push(lua_State* L, const Preview& preview);
void push(lua_State* L, const TraceStep& step);
void push(lua_State* L, const Trace& trace);
void push(lua_State* L, const Rehearsal& rehearsal);
void push(lua_State* L, const StepProgress& step);
void push(lua_State* L, const Refused& refused);
void push(lua_State* L, const StepRecord& step);
void push(lua_State* L, const RunSnapshot& snapshot);
void push(lua_State* L, const RunResult& result);
void push(lua_State* L, const RunRecord& run);
void push(lua_State* L, const RejectRecord& reject);
void push(lua_State* L, const TypeCount& type);
void push(lua_State* L, const FieldSummary& field);
void push(lua_State* L, const Description& description);
void push(lua_State* L, const OptionSpec& option);

/// A job as Lua holds it: what verifies and repairs takes it too.
template <>
struct UserdataName<Job> {
  static constexpr char value[] = "lugger.native.job";
};

/// Settings of a run from an argument; nil is the defaults. Error{config} for a key it does not
/// know.
RunSettings read_settings(lua_State* L, int index);

/// A list of structs: declared after their push(), so that the call inside finds it.
template <typename T>
void push_list(lua_State* L, const T& list) {
  lua_newtable(L);
  int place = 0;
  for (const auto& item : list) {
    push(L, item);
    lua_rawseti(L, -2, ++place);
  }
}
template <typename T>
void set_list(lua_State* L, const char* name, const T& list) {
  push_list(L, list);
  lua_setfield(L, -2, name);
}

}  // namespace lugger
