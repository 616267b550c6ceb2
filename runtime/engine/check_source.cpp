#include "engine/check_source.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "plan/infer.hpp"

namespace lugger {
namespace {

/// All that is told of a document that was deleted is its key.
bool is_made_of_key(const SourceInfo& source, const Column& column) {
  if (column.generate == Column::Generate::kConstant) return true;
  if (source.rows) {
    const std::string& from = column.from.empty() ? column.name : column.from;
    return std::ranges::find(source.key, from) != source.key.end();
  }
  return column.generate == Column::Generate::kV5 || column.from == "_id" ||
         column.from.starts_with("_id.");
}

/// The rest of a document is kept as the document has it; a row has columns alone.
void check_rest(const SourceInfo& source, const PlanShape& plan, TargetReport& report) {
  if (!source.rows) return;
  for (size_t t = 0; t < plan.own_tables(); ++t) {
    for (const Column& column : plan.tables()[t].columns) {
      if (column.from != "*") continue;
      report.problems.push_back(
          fmt::format("{}.{}: from = \"*\" takes the rest of a document, and {} gives rows of a "
                      "table: name its columns instead, or select to_jsonb(t) in a query",
                      plan.tables()[t].name, column.name, source.place));
    }
  }
}

/// Rows of documents with one `_id` would take each other's place.
void check_apart(const SourceInfo& source, const PlanShape& plan, TargetReport& report) {
  if (source.apart_warning.empty()) return;
  const TablePlan& table = plan.tables().front();
  const bool told = std::ranges::any_of(table.key, [&](size_t k) {
    const Column& column = table.columns[k];
    return (column.from.empty() ? column.name : column.from) == source.apart_by;
  });
  if (!told) report.warnings.push_back(source.apart_warning);
}

bool gives(const RowShape& rows, const Column& column) {
  const std::string path = column.from.empty() ? escaped_path(column.name) : column.from;
  return std::ranges::any_of(rows.fields, [&](const RowShape::Field& field) {
    const std::string name = escaped_path(field.name);
    return path.starts_with(name) &&
           (path.size() == name.size() || path[name.size()] == '.' || path[name.size()] == '[');
  });
}

/// A table may have lost a column since it was copied: its changes would empty that of the rows.
void check_columns(const SourceInfo& source, const RowShape& rows, const PlanShape& plan,
                   TargetReport& report) {
  for (size_t t = 0; t < plan.own_tables(); ++t) {
    for (const Column& column : plan.tables()[t].columns) {
      const bool from_row = column.generate == Column::Generate::kNone && !column.computed &&
                            !column.default_value && column.from != "*";
      if (!from_row || gives(rows, column)) continue;
      report.problems.push_back(fmt::format(
          "{}.{}: {} has no column {}, so the changes would empty it: name the one that it is made "
          "of with `from`, or leave it away",
          plan.tables()[t].name, column.name, source.place,
          column.from.empty() ? column.name : column.from));
    }
  }
}

/// Whether the job can apply the deletes of a source that tells of deleted documents.
void check_changes(const SourceInfo& source, const PlanShape& plan, bool hooked, Target& target,
                   TargetReport& report) {
  if (!source.changes) return;
  const TablePlan& table = plan.tables().front();
  const OnConflict policy = plan.mapping().on_conflict;
  if (policy != OnConflict::kUpdate && policy != OnConflict::kNewer) {
    report.problems.push_back(fmt::format(
        "{} tells of changes, and rows that stand are to change with them: set on_conflict = "
        "\"update\" (or \"newer\")",
        source.place));
  }
  if (table.key.empty()) {
    report.problems.push_back(fmt::format(
        "{} tells of changes, and nothing says which row of {} is whose: name its `key`",
        source.place, table.name));
  }
  for (const size_t column : table.key) {
    // Its elements alone are looked at: '{1,2}' and '[0:1]={1,2}' are two keys in the source.
    if (table.columns[column].type.is_array()) {
      report.problems.push_back(fmt::format(
          "{}.{} is in the key and an array: arrays with other bounds are other keys there, and "
          "lugger does not tell them apart, so a change could reach another's row",
          table.name, table.columns[column].name));
    }
    if (is_made_of_key(source, table.columns[column])) continue;
    const std::string of = source.rows ? fmt::format("{}", fmt::join(source.key, ", ")) : "_id";
    report.problems.push_back(fmt::format(
        "{}.{} is in the key and not made of {}, which is all that is told of a {} that was "
        "deleted: take a key that is made of {}",
        table.name, table.columns[column].name, of, source.rows ? "row" : "document", of));
  }
  for (std::string& problem : target.delete_problems(plan))
    report.problems.push_back(std::move(problem));
  if (!report.waits_for_rows.empty()) {
    report.warnings.push_back(fmt::format(
        "{}: changes of several documents or jobs may come one before the other; a row that the "
        "server refuses for that is a reject, which is tried again by itself until it is accepted",
        fmt::join(report.waits_for_rows, "; ")));
  }
  if (hooked) {
    report.warnings.push_back(
        "map() is not called for a document that was deleted: a row that it gives another key than "
        "the "
        "document has is refused");
  }
}

}  // namespace

void check_source(const SourceInfo& source, const RowShape* rows, const PlanShape& plan,
                  bool hooked, Target& target, TargetReport& report) {
  check_rest(source, plan, report);
  check_apart(source, plan, report);
  if (source.changes && rows != nullptr && !hooked) check_columns(source, *rows, plan, report);
  check_changes(source, plan, hooked, target, report);
}

}  // namespace lugger
