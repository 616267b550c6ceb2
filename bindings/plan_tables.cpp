// Plans as Lua tables: the shape of a mapping, and previews of documents.
#include "bindings/tables.hpp"

namespace lugger {

static constexpr Field<Reference> kReference[] = {
    field<&Reference::database>("database"),
    field<&Reference::collection>("collection"),
    field<&Reference::table>("table"),
    field<&Reference::column>("column", "\"id\" or \"mongo_id\" when the script does not say"),
    field<&Reference::foreign_key>("fk", "a foreign key is made of it"),
};
Record<Reference> record_of(const Reference*) {
  return {"lugger.column_ref", "where a column with ref = ... points", kReference};
}

static constexpr std::array<std::string_view, 4> kOnErrors = {"reject", "null", "default", "error"};

static std::optional<std::string> default_of(const Column& column) {
  if (!column.default_value) return std::nullopt;
  return column.default_value->text();
}
static std::optional<std::string_view> generate_of(const Column& column) {
  static constexpr std::array<std::string_view, 8> kGenerates = {
      "", "v5", "v7", "server", "parent_key", "ordinal", "constant", "entry"};
  return when(column.generate != Column::Generate::kNone,
              kGenerates[static_cast<size_t>(column.generate)]);
}
static constexpr Field<Column> kColumn[] = {
    field<&Column::name>("name"),
    field<[](const Column& column) { return std::string_view(column.type.sql); }>(
        "type", "as DDL spells it"),
    field<&Column::from>("from"),
    field<&Column::required>("required"),
    word_field<&Column::on_error, kOnErrors>("on_error"),
    field<default_of>("default"),
    field<generate_of>("generate"),
    field<&Column::computed>("computed", "the hook gives its value"),
    field<&Column::id_text_column>("id_text_column"),
    field<[](const Column& column) { return column.policy.ref.get(); }>("ref"),
};
Record<Column> record_of(const Column*) { return {"lugger.plan_column", "", kColumn}; }

/// Lua counts from 1.
static std::vector<size_t> places(std::vector<size_t> indices) {
  for (size_t& index : indices) ++index;
  return indices;
}
static constexpr Field<TablePlan> kTablePlan[] = {
    field<&TablePlan::name>("name"),
    field<&TablePlan::columns>("columns"),
    field<[](const TablePlan& table) { return places(table.key); }>(
        "key", "places of the key's columns, from 1"),
    field<[](const TablePlan& table) { return when(table.parent >= 0, table.parent + 1); }>(
        "parent", "place of the parent table, from 1"),
    field<[](const TablePlan& table) { return places(table.parent_key); }>("parent_key"),
    field<&TablePlan::path>("path", "of a child table: the array it comes from"),
};
Record<TablePlan> record_of(const TablePlan*) { return {"lugger.table_plan", "", kTablePlan}; }

/// A statement that makes a key, an index or a constraint of a shape.
struct ShapeStep {
  explicit ShapeStep(const DdlStep& step)
      : stage("load"), table(step.table), name(step.name), statements{step.sql} {}
  explicit ShapeStep(const StageStep& step)
      : stage(stage_word(step.stage)),
        table(step.table),
        name(step.name),
        statements(step_statements(step, true)) {}
  std::string_view stage;
  std::string table, name;
  std::vector<std::string> statements;
};

static constexpr Field<ShapeStep> kShapeStep[] = {
    field<&ShapeStep::stage>("stage", "of the keys: \"load\"", R"("load"|"index"|"constrain")"),
    field<&ShapeStep::table>("table", "as the script names it"),
    field<&ShapeStep::name>("name", "of the constraint or index"),
    field<&ShapeStep::statements>("statements", "as they are run"),
};
Record<ShapeStep> record_of(const ShapeStep*) { return {"lugger.ddl_step", "", kShapeStep}; }

template <typename Steps>
static std::vector<ShapeStep> shape_steps(const Steps& steps) {
  return {steps.begin(), steps.end()};
}
static constexpr Field<PlanShape> kPlanShape[] = {
    field<[](const PlanShape& shape) { return shape.mapping().database; }>(
        "database", "of the source: the name space of ids"),
    field<[](const PlanShape& shape) { return shape.mapping().collection; }>("collection"),
    field<&PlanShape::tables>("tables"),
    field<&PlanShape::own_tables>("own_tables",
                                  "the first of them: one, or as many as routes; children follow"),
    field<table_ddl>("create", "CREATE TABLE of each table"),
    field<distribution_ddl>("distribute", "by Citus, of each table; empty: they are not"),
    field<[](const PlanShape& shape) { return shape_steps(after_load_steps(shape)); }>(
        "keys", "primary and unique keys"),
    field<[](const PlanShape& shape) { return shape_steps(stage_steps(shape)); }>(
        "steps", "indexes and constraints, in the order they are made"),
};
Record<PlanShape> record_of(const PlanShape*) { return {"lugger.job_shape", "", kPlanShape}; }

static constexpr Field<JobPlan> kJobPlan[] = {
    field<&JobPlan::job>("job"),
    field<&JobPlan::source>("source"),
    field<&JobPlan::target>("target"),
    field<&JobPlan::source_info>("source_info"),
    field<&JobPlan::report>("report"),
    field<&JobPlan::tables>("tables"),
    field<&JobPlan::partitions>("partitions"),
    field<&JobPlan::connections>("connections"),
    field<&JobPlan::forecast_seconds>("forecast_seconds", "0: unknown"),
    field<&JobPlan::manifests>("manifests",
                               "of the columns of vectors, as far as anything is known"),
    field<&JobPlan::on_ddl>("on_ddl",
                            "of a live source: what is done about drop, rename, ..., in words"),
    field<&JobPlan::warnings>("warnings"),
};
Record<JobPlan> record_of(const JobPlan*) { return {"lugger.job_plan", "", kJobPlan}; }

static constexpr Field<PreviewDocument::Row> kPreviewDocumentRow[] = {
    field<[](const PreviewDocument::Row& row) { return row.table + 1; }>("table",
                                                                         "place in tables, from 1"),
    field<&PreviewDocument::Row::values>("values"),
    field<&PreviewDocument::Row::is_null>("is_null", "", "boolean[]"),
};
Record<PreviewDocument::Row> record_of(const PreviewDocument::Row*) {
  return {"lugger.preview_row", "", kPreviewDocumentRow};
}

static constexpr std::array<std::string_view, 3> kFates = {"load", "skip", "reject"};
static constexpr Field<PreviewDocument> kPreviewDocument[] = {
    field<&PreviewDocument::id>("id"),
    field<&PreviewDocument::document>("document", "relaxed Extended JSON"),
    word_field<&PreviewDocument::fate, kFates>("fate"),
    field<&PreviewDocument::table>("table"),
    field<&PreviewDocument::column>("column"),
    field<&PreviewDocument::code>("code"),
    field<&PreviewDocument::message>("message"),
    field<&PreviewDocument::rows>("rows"),
};
Record<PreviewDocument> record_of(const PreviewDocument*) {
  return {"lugger.preview_document", "", kPreviewDocument};
}

static constexpr Field<Preview> kPreview[] = {
    field<&Preview::tables>("tables"),
    field<&Preview::documents>("documents"),
    field<&Preview::tally>("tally"),
};
Record<Preview> record_of(const Preview*) { return {"lugger.preview", "", kPreview}; }

static constexpr Field<TraceStep> kTraceStep[] = {
    field<&TraceStep::table>("table"),   field<&TraceStep::column>("column"),
    field<&TraceStep::from>("from"),     field<&TraceStep::found_type>("found_type"),
    field<&TraceStep::found>("found"),   field<&TraceStep::type>("type"),
    field<&TraceStep::result>("result"), field<&TraceStep::outcome>("outcome"),
};
Record<TraceStep> record_of(const TraceStep*) { return {"lugger.trace_step", "", kTraceStep}; }

static constexpr Field<Trace> kTrace[] = {
    field<&Trace::document>("document"),
    field<&Trace::steps>("steps"),
    field<&Trace::outcome>("outcome"),
    field<&Trace::tables>("tables"),
};
Record<Trace> record_of(const Trace*) { return {"lugger.trace", "", kTrace}; }

static constexpr Field<RehearsedRefusal> kRehearsedRefusal[] = {
    field<&RehearsedRefusal::table>("table"),
    field<&RehearsedRefusal::column>("column"),
    field<&RehearsedRefusal::code>("code"),
    field<&RehearsedRefusal::message>("message"),
    field<&RehearsedRefusal::documents>("documents"),
    field<&RehearsedRefusal::examples>("examples"),
};
Record<RehearsedRefusal> record_of(const RehearsedRefusal*) {
  return {"lugger.rehearsed_refusal", "", kRehearsedRefusal};
}

static constexpr Field<Rehearsal> kRehearsal[] = {
    field<&Rehearsal::documents>("documents"),
    field<&Rehearsal::rejected>("rejected"),
    field<&Rehearsal::complete>("complete", "false: stopped, or at the limit"),
    field<&Rehearsal::refusals>("refusals", "",
                                "{ table: string, column: string, code: string, message: string, "
                                "documents: integer, examples: string[] }[]"),
    field<&Rehearsal::unmapped>("unmapped"),
};
Record<Rehearsal> record_of(const Rehearsal*) { return {"lugger.rehearsal", "", kRehearsal}; }

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

}  // namespace lugger
