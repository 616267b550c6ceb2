// The runtime's structs as plain Lua tables, with the same names.
#pragma once
#include "bindings/record.hpp"
#include "bindings/userdata.hpp"
#include "engine/describe.hpp"
#include "engine/job.hpp"
#include "engine/move_watch.hpp"
#include "engine/rehearse.hpp"
#include "engine/run.hpp"
#include "postgres/ddl.hpp"
#include "postgres/distribute.hpp"
#include "postgres/steps.hpp"

namespace lugger {

Record<Tally> record_of(const Tally*);
Record<Partition> record_of(const Partition*);
Record<PartitionRecord> record_of(const PartitionRecord*);
Record<OplogInfo> record_of(const OplogInfo*);
Record<VectorManifest> record_of(const VectorManifest*);
Record<SourceInfo> record_of(const SourceInfo*);
Record<CollectionInfo> record_of(const CollectionInfo*);
Record<PlaceInfo> record_of(const PlaceInfo*);
Record<TargetColumn> record_of(const TargetColumn*);
Record<TargetReport> record_of(const TargetReport*);
Record<Reference> record_of(const Reference*);
Record<Column> record_of(const Column*);
Record<TablePlan> record_of(const TablePlan*);
struct ShapeStep;  // makes a key, an index or a constraint of a shape
Record<ShapeStep> record_of(const ShapeStep*);
Record<PlanShape> record_of(const PlanShape*);
void push(lua_State* L, const MappingInverse& inverse, const PlanShape& shape);
Record<JobPlan> record_of(const JobPlan*);
Record<PreviewDocument::Row> record_of(const PreviewDocument::Row*);
Record<PreviewDocument> record_of(const PreviewDocument*);
Record<Preview> record_of(const Preview*);
Record<TraceStep> record_of(const TraceStep*);
Record<Trace> record_of(const Trace*);
Record<RehearsedRefusal> record_of(const RehearsedRefusal*);
Record<Rehearsal> record_of(const Rehearsal*);
Record<StepProgress> record_of(const StepProgress*);
Record<Refused> record_of(const Refused*);
Record<StepRecord> record_of(const StepRecord*);
Record<RunSnapshot> record_of(const RunSnapshot*);
Record<SpoolSnapshot> record_of(const SpoolSnapshot*);
Record<SourceSeen> record_of(const SourceSeen*);
Record<WatchRecord> record_of(const WatchRecord*);
Record<RejectGroup> record_of(const RejectGroup*);
Record<RunResult> record_of(const RunResult*);
Record<RunRecord> record_of(const RunRecord*);
Record<RejectRecord> record_of(const RejectRecord*);
Record<FeedRecord> record_of(const FeedRecord*);
Record<Notice> record_of(const Notice*);
Record<TypeCount> record_of(const TypeCount*);
Record<FieldSummary> record_of(const FieldSummary*);
Record<Description> record_of(const Description*);
Record<OptionSpec> record_of(const OptionSpec*);

/// The userdata of a job; verifications and repairs take it too.
template <>
struct UserdataName<Job> {
  static constexpr char value[] = "lugger.native.job";
};

/// Reads settings of a run from an argument; nil gives the defaults. Error{config} for an unknown
/// key.
RunSettings read_settings(lua_State* L, int index);

/// Pushes a list of structs. Declared after their push(), so that the call inside finds it.
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
