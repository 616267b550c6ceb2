// Preview and trace: shows rows as they would be written, and the steps of one document. Writes
// nothing.
#include "base/error.hpp"
#include "engine/job_impl.hpp"
#include "engine/rejects.hpp"
#include "place/whole.hpp"
#include "plan/scope.hpp"
#include "value/json_writer.hpp"

namespace lugger {

namespace {

void show_rows(const Batch& batch, const PlanShape& shape,
               std::vector<PreviewDocument>& documents) {
  for (size_t table = 0; table < batch.tables.size(); ++table) {
    const RowSet& rows = batch.tables[table];
    const std::vector<Column>& columns = shape.tables()[table].columns;
    for (size_t i = 0; i < rows.rows(); ++i) {
      if (!rows.live(i) || batch.fates[rows.document(i)] != Fate::kLoad) continue;
      PreviewDocument::Row row;
      row.table = table;
      for (size_t column = 0; column < columns.size(); ++column) {
        const Value& value = rows.row(i)[column];
        const bool null = value.type == ValueType::kNull;
        const bool server = columns[column].generate == Column::Generate::kServer;
        row.values.push_back(server                  ? "(server)"
                             : null                  ? "NULL"
                             : columns[column].embed ? "(embedded)"
                                                     : coerced_text(value, columns[column].type));
        row.is_null.push_back(null && !server);
      }
      documents[rows.document(i)].rows.push_back(std::move(row));
    }
  }
}

/// The outcome of a value that its column accepted.
std::string fitting_outcome(const Column& column, const Value& raw, const Value& out) {
  if (out.absent()) return "null";
  return column.policy.ref ? describe_reference(column, raw) : "ok";
}

std::string found_text(const Value& value) {
  return value.type == ValueType::kMissing ? std::string() : value_json(value, JsonStyle::kRelaxed);
}

}  // namespace

std::vector<PreviewDocument> preview_batch(Batch& batch, const PlanShape& shape) {
  std::vector<PreviewDocument> documents(batch.documents.size());
  for (size_t i = 0; i < documents.size(); ++i) {
    documents[i].id = document_id(batch.documents[i], shape.mapping());
    documents[i].document = document_json(batch.documents[i], JsonStyle::kRelaxed);
    documents[i].fate = batch.fates[i];
  }
  for (const Refusal& refusal : batch.refusals) {
    PreviewDocument& document = documents[refusal.document];
    const TablePlan& table = shape.tables()[static_cast<size_t>(refusal.table)];
    document.table = refusal_table(refusal, shape);
    if (refusal.column >= 0)
      document.column = table.columns[static_cast<size_t>(refusal.column)].name;
    document.code = refusal_code(refusal);
    document.message = describe_refusal(refusal, shape);
  }
  for (const auto& [document, place] : batch.skipped)
    documents[document].message = batch.skips[place].first;
  show_rows(batch, shape, documents);
  return documents;
}

Preview Job::preview(size_t documents) {
  const std::shared_ptr<const PlanShape> bound = shape();
  Preview preview;
  preview.tables = bound->tables();
  Plan plan(bound, static_cast<bool>(impl_->spec.hook));
  const std::unique_ptr<RowHook> hook = impl_->make_hook(impl_->spec.now);
  Arena arena;
  Batch batch(arena);
  const std::unique_ptr<Cursor> cursor = open_whole(source());
  while (preview.documents.size() < documents) {
    batch.clear();
    arena.reset();
    batch.max_documents =
        static_cast<uint32_t>(std::min<size_t>(documents - preview.documents.size(), 1000));
    if (!cursor->fill(batch)) break;
    plan.run(batch, hook.get());
    for (PreviewDocument& document : preview_batch(batch, *bound)) {
      ++preview.tally.read;
      preview.tally.rejected += document.fate == Fate::kReject ? 1 : 0;
      preview.tally.skipped += document.fate == Fate::kSkip ? 1 : 0;
      preview.tally.inserted += document.fate == Fate::kLoad ? 1 : 0;
      preview.tally.rows += document.rows.size();
      preview.documents.push_back(std::move(document));
    }
  }
  return preview;
}

namespace {

/// The steps of the document's own table: what each column found, and the result of its coercer.
std::vector<TraceStep> trace_steps(const Document& document, const PlanShape& shape) {
  const TablePlan& table = shape.tables().front();
  Arena arena;
  Scope scope(table, {}, shape.mapping().route.from);
  std::vector<TraceStep> steps;
  if (scope.read(document, 1, arena) != Failure::kNone) return steps;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const Column& column = table.columns[i];
    const Value& raw = scope.column(i);
    TraceStep step;
    step.table = table.name;
    step.column = column.name;
    step.from = column.from;
    step.found_type = type_word(raw.type);
    step.found = found_text(raw);
    step.type = column.type.sql;
    if (column.generate != Column::Generate::kNone) {
      step.outcome = "generated";
    } else if (column.computed) {
      step.outcome = "computed by the hook";
    } else {
      Value out;
      Coercer coercer(column.type, column.policy);
      const Failure failure = coercer(raw, out, arena);
      step.outcome = failure == Failure::kNone ? fitting_outcome(column, raw, out)
                                               : describe_failure(failure, raw, column.type.sql);
      if (failure == Failure::kNone && !out.absent()) step.result = coerced_text(out, column.type);
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace

Trace Job::trace(const std::string& wanted) {
  const std::shared_ptr<const PlanShape> bound = shape();
  Arena arena;
  Batch batch(arena);
  batch.max_documents = 1;  // so that the batch holds only the document that is looked for
  const std::unique_ptr<Cursor> cursor = open_whole(source());
  for (; cursor->fill(batch); batch.clear(), arena.reset()) {
    const Document& document = batch.documents.front();
    if (document_id(document, bound->mapping()) != wanted) continue;
    Trace trace;
    trace.tables = bound->tables();
    trace.document = document_json(document, JsonStyle::kRelaxed);
    trace.steps = trace_steps(document, *bound);
    Plan plan(bound, static_cast<bool>(impl_->spec.hook));
    const std::unique_ptr<RowHook> hook = impl_->make_hook(impl_->spec.now);
    plan.run(batch, hook.get());
    trace.outcome = std::move(preview_batch(batch, *bound).front());
    return trace;
  }
  throw Error(Code::kConfig,
              fmt::format("no document of {} has the _id {}", source().info().place, wanted),
              "give it as canonical text: an ObjectId's 24 hex digits, a string as it is, a number "
              "as '$n:42'");
}

}  // namespace lugger
