#include "engine/changes.hpp"

#include "base/error.hpp"

namespace lugger {
namespace {

bool is_made_of_id(const Column& column) {
  return column.generate == Column::Generate::kConstant || column.from == "_id" ||
         column.from.starts_with("_id.");
}

}  // namespace

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
    if (is_made_of_id(table.columns[column])) continue;
    report.problems.push_back(fmt::format(
        "{}.{} is in the key and not made of _id, which is all that is told of a document that was "
        "deleted: take a key that is made of _id",
        table.name, table.columns[column].name));
  }
  for (std::string& problem : target.delete_problems(plan))
    report.problems.push_back(std::move(problem));
  if (hooked) {
    report.warnings.push_back(
        "map() is not called for a document that was deleted: rows that it gave other keys stay");
  }
}

}  // namespace lugger
