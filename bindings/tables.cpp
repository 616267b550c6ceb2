#include "bindings/tables.hpp"

#include <array>

#include "base/error.hpp"
#include "bindings/words.hpp"

namespace lugger {

void push(lua_State* L, const Tally& tally) {
  lua_newtable(L);
  for (const TallyCount& count : kTallyCounts) set(L, count.name.data(), tally.*count.of);
  set(L, "balanced", tally.balanced());
}

void push(lua_State* L, const Partition& partition) {
  lua_newtable(L);
  set(L, "id", partition.id);
  set(L, "spec", partition.spec);
  set(L, "bytes", partition.bytes);
}

void push(lua_State* L, const PartitionRecord& partition) {
  lua_newtable(L);
  set(L, "id", partition.id);
  set(L, "spec", partition.spec);
  set(L, "position", partition.position);
  set(L, "bytes", partition.bytes);
  set(L, "done", partition.done);
  set(L, "holder", partition.holder);
  set(L, "held", partition.held);
  set(L, "tally", partition.tally);
}

static void push(lua_State* L, const OplogInfo& oplog) {
  lua_newtable(L);
  set(L, "place", oplog.place);
  set(L, "entries", oplog.entries);
  set(L, "changes", oplog.changes);
  set(L, "concern", oplog.concern);
  set(L, "first", oplog.first);
  set(L, "last", oplog.last);
}

void push(lua_State* L, const SourceInfo& info) {
  lua_newtable(L);
  set(L, "kind", info.kind);
  set(L, "rows", info.rows);
  set(L, "place", info.place);
  set(L, "database", info.database);
  set(L, "collection", info.collection);
  set(L, "identity", info.identity);
  set(L, "bytes", info.bytes);
  set(L, "documents", info.documents);
  set(L, "compressed", info.compressed);
  set(L, "metadata_json", info.metadata_json);
  if (info.oplog) set(L, "oplog", *info.oplog);
  set(L, "warnings", info.warnings);
  set(L, "advice", info.advice);
}

void push(lua_State* L, const CollectionInfo& info) {
  lua_newtable(L);
  set(L, "database", info.database);
  set(L, "collection", info.collection);
  set(L, "type", info.type);
  set(L, "path", info.path);
  set(L, "bytes", info.bytes);
  set(L, "metadata_json", info.metadata_json);
  set(L, "oplog", info.oplog);
}

void push(lua_State* L, const PlaceInfo& place) {
  lua_newtable(L);
  set_list(L, "collections", place.collections);
  if (place.oplog) set(L, "oplog", *place.oplog);
  set(L, "advice", place.advice);
  set(L, "warnings", place.warnings);
}

void push(lua_State* L, const TargetColumn& column) {
  lua_newtable(L);
  set(L, "name", column.name);
  set(L, "type", column.type);
  set(L, "not_null", column.not_null);
  set(L, "has_default", column.has_default);
  set(L, "generated", column.generated);
  set(L, "identity", column.identity);
}

void push(lua_State* L, const TargetReport& report) {
  lua_newtable(L);
  set(L, "place", report.place);
  set(L, "server", report.server);
  set(L, "mode", report.mode);
  set(L, "mode_reason", report.mode_reason);
  set(L, "create", report.create);
  set(L, "after_load", report.after_load);
  set(L, "index", report.index);
  set(L, "constrain", report.constrain);
  set(L, "index_memory", report.index_memory);
  set(L, "warnings", report.warnings);
  set(L, "problems", report.problems);
}

/// Field `ref` of the table at the top of the stack.
static void push_reference(lua_State* L, const Reference& ref) {
  lua_newtable(L);
  set(L, "database", ref.database);
  set(L, "collection", ref.collection);
  set(L, "table", ref.table);
  set(L, "column", ref.column);
  set(L, "fk", ref.foreign_key);
  lua_setfield(L, -2, "ref");
}

void push(lua_State* L, const Column& column) {
  static constexpr std::array<std::string_view, 4> kOnErrors = {"reject", "null", "default",
                                                                "error"};
  static constexpr std::array<std::string_view, 7> kGenerates = {
      "", "v5", "v7", "server", "parent_key", "ordinal", "constant"};
  lua_newtable(L);
  set(L, "name", column.name);
  set(L, "type", column.type.sql);
  set(L, "from", column.from);
  set(L, "required", column.required);
  set(L, "on_error", kOnErrors[static_cast<size_t>(column.on_error)]);
  if (column.default_value) set(L, "default", column.default_value->text());
  if (column.generate != Column::Generate::kNone)
    set(L, "generate", kGenerates[static_cast<size_t>(column.generate)]);
  set(L, "id_text_column", column.id_text_column);
  if (column.policy.ref) push_reference(L, *column.policy.ref);
}

/// Places count from 1 in Lua.
static std::vector<size_t> places(const std::vector<size_t>& indices) {
  std::vector<size_t> out(indices);
  for (size_t& index : out) ++index;
  return out;
}

void push(lua_State* L, const TablePlan& table) {
  lua_newtable(L);
  set(L, "name", table.name);
  set_list(L, "columns", table.columns);
  set(L, "key", places(table.key));
  if (table.parent >= 0) set(L, "parent", table.parent + 1);
  set(L, "parent_key", places(table.parent_key));
  set(L, "path", table.path);
}

static void push(lua_State* L, const DdlStep& step) {
  lua_newtable(L);
  set(L, "stage", "load");
  set(L, "table", step.table);
  set(L, "name", step.name);
  set(L, "statements", std::vector<std::string>{step.sql});
}

static void push(lua_State* L, const StageStep& step) {
  lua_newtable(L);
  set(L, "stage", stage_word(step.stage));
  set(L, "table", step.table);
  set(L, "name", step.name);
  set(L, "statements", step_statements(step, true));
}

void push(lua_State* L, const PlanShape& shape) {
  lua_newtable(L);
  set(L, "database", shape.mapping().database);
  set(L, "collection", shape.mapping().collection);
  set_list(L, "tables", shape.tables());
  set(L, "own_tables", shape.own_tables());
  set(L, "create", table_ddl(shape));
  set_list(L, "keys", after_load_steps(shape));
  set_list(L, "steps", stage_steps(shape));
}

void push(lua_State* L, const MappingInverse& inverse, const PlanShape& shape) {
  static constexpr std::array<std::string_view, 4> kVerdicts = {"same", "changed", "lost",
                                                                "no field"};
  lua_newtable(L);
  set(L, "possible", inverse.possible);
  set(L, "verdict", inverse.verdict);
  set(L, "notes", inverse.notes);
  lua_createtable(L, static_cast<int>(inverse.columns.size()), 0);
  for (size_t i = 0; i < inverse.columns.size(); ++i) {
    const ColumnInverse& column = inverse.columns[i];
    const TablePlan& table = shape.tables()[column.table];
    lua_newtable(L);
    set(L, "table", table.name);
    set(L, "column", table.columns[column.column].name);
    set(L, "type", table.columns[column.column].type.sql);
    if (!column.path.empty()) set(L, "path", column.path);
    set(L, "verdict", kVerdicts[static_cast<size_t>(column.verdict)]);
    set(L, "words", column.words);
    lua_rawseti(L, -2, static_cast<int>(i) + 1);
  }
  lua_setfield(L, -2, "columns");
}

void push(lua_State* L, const JobPlan& plan) {
  lua_newtable(L);
  set(L, "job", plan.job);
  set(L, "source", plan.source);
  set(L, "target", plan.target);
  set(L, "source_info", plan.source_info);
  set(L, "report", plan.report);
  set_list(L, "tables", plan.tables);
  set_list(L, "partitions", plan.partitions);
  set(L, "connections", plan.connections);
  set(L, "forecast_seconds", plan.forecast_seconds);
  set(L, "warnings", plan.warnings);
}

static void push(lua_State* L, const PreviewDocument::Row& row) {
  lua_newtable(L);
  set(L, "table", row.table + 1);
  set(L, "values", row.values);
  set(L, "is_null", row.is_null);
}

void push(lua_State* L, const PreviewDocument& document) {
  static constexpr std::array<std::string_view, 3> kFates = {"load", "skip", "reject"};
  lua_newtable(L);
  set(L, "id", document.id);
  set(L, "document", document.document);
  set(L, "fate", kFates[static_cast<size_t>(document.fate)]);
  set(L, "table", document.table);
  set(L, "column", document.column);
  set(L, "code", document.code);
  set(L, "message", document.message);
  lua_newtable(L);
  int place = 0;
  for (const auto& row : document.rows) {
    push(L, row);
    lua_rawseti(L, -2, ++place);
  }
  lua_setfield(L, -2, "rows");
}

void push(lua_State* L, const Preview& preview) {
  lua_newtable(L);
  set_list(L, "tables", preview.tables);
  set_list(L, "documents", preview.documents);
  set(L, "tally", preview.tally);
}

void push(lua_State* L, const TraceStep& step) {
  lua_newtable(L);
  set(L, "table", step.table);
  set(L, "column", step.column);
  set(L, "from", step.from);
  set(L, "found_type", step.found_type);
  set(L, "found", step.found);
  set(L, "type", step.type);
  set(L, "result", step.result);
  set(L, "outcome", step.outcome);
}

void push(lua_State* L, const Trace& trace) {
  lua_newtable(L);
  set(L, "document", trace.document);
  set_list(L, "steps", trace.steps);
  set(L, "outcome", trace.outcome);
  set_list(L, "tables", trace.tables);
}

static void push(lua_State* L, const RehearsedRefusal& refusal) {
  lua_newtable(L);
  set(L, "table", refusal.table);
  set(L, "column", refusal.column);
  set(L, "code", refusal.code);
  set(L, "message", refusal.message);
  set(L, "documents", refusal.documents);
  set(L, "examples", refusal.examples);
}

void push(lua_State* L, const Rehearsal& rehearsal) {
  lua_newtable(L);
  set(L, "documents", rehearsal.documents);
  set(L, "rejected", rehearsal.rejected);
  set(L, "complete", rehearsal.complete);
  set_list(L, "refusals", rehearsal.refusals);
  set(L, "unmapped", rehearsal.unmapped);
}

}  // namespace lugger
