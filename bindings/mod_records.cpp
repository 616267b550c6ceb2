// native.records(): the declarations of the structs that are passed to Lua; tools/records prints
// them.
#include "bindings/census_tables.hpp"
#include "bindings/fix_tables.hpp"
#include "bindings/guard.hpp"
#include "bindings/modules.hpp"
#include "bindings/search_tables.hpp"
#include "bindings/tables.hpp"
#include "bindings/verify_tables.hpp"

namespace lugger {

static constexpr Field<FieldText> kFieldText[] = {
    field<&FieldText::name>("name"),
    field<&FieldText::lua_type>("type", "as LuaCATS writes it"),
    field<&FieldText::about>("about"),
};
Record<FieldText> record_of(const FieldText*) { return {"lugger.record_field", "", kFieldText}; }

static constexpr Field<RecordText> kRecordText[] = {
    field<&RecordText::name>("name"),
    field<&RecordText::about>("about"),
    field<&RecordText::fields>("fields", "in the order of their declaration"),
};
Record<RecordText> record_of(const RecordText*) {
  return {"lugger.record", "a struct that crosses to Lua", kRecordText};
}

template <typename... T>
static std::vector<RecordText> texts_of_records() {
  return {text_of_record<T>()...};
}

static int records(lua_State* L) {
  push(L,
       texts_of_records<
           Tally, Partition, PartitionRecord, OplogInfo, VectorManifest, SourceInfo, CollectionInfo,
           PlaceInfo, TargetColumn, TargetReport, OptionSpec, TypeCount, FieldSummary, Description,
           Reference, Column, TablePlan, ShapeStep, PlanShape, JobPlan, PreviewDocument::Row,
           PreviewDocument, Preview, TraceStep, Trace, RehearsedRefusal, Rehearsal, RunSnapshot,
           RunResult, RunRecord, RejectGroup, RejectRecord, FeedRecord, Notice, SpoolSnapshot,
           SourceSeen, WatchRecord, StepProgress, Refused, StepRecord, ColumnFinding,
           ColumnDifference, RowFinding, TableVerdict, RecallSide, RecallQuery, RecallVerdict,
           Verdict, RepairResult, VerifySnapshot, CensusType, CensusLengths, CensusIntegers,
           CensusDoubles, CensusDecimals, CensusDates, TextLooks, CensusTexts, CensusTop,
           CensusSubtype, CensusVectors, CensusPath, CensusDiscriminator::Kind, CensusDiscriminator,
           CensusFaultText, CensusBreak, CensusSample, CollectionCensus, SurveySnapshot,
           ReferenceCandidate, ReferenceCount::Example, ReferenceCount, LoadTrial,
           UpdateCounts::Collection, FixSample::Cell, FixSample, FixRefusal, FixFieldReport::Pair,
           FixFieldReport, FixReport, Hit, SearchFound, RecordText, FieldText>());
  return 1;
}

static constexpr luaL_Reg kFunctions[] = {
    {"records", guarded<records>},
    {nullptr, nullptr},
};

void open_records(lua_State* L) { add_functions(L, kFunctions); }

}  // namespace lugger
