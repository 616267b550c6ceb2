#include "store/object_mapping.hpp"

#include <fmt/format.h>

namespace lugger {

void check_object_mapping(const PlanShape& plan, const ObjectStoreWords& words,
                          TargetReport& report) {
  const Mapping& mapping = plan.mapping();
  if (mapping.key.empty())
    report.problems.push_back(
        fmt::format("the id of {} in {} is made from the row's key, and the target has none: "
                    "key = '...'",
                    words.object, words.store));
  if (plan.tables().size() > plan.own_tables())
    report.problems.push_back(
        fmt::format("{} has no child rows: keep the array in a column, as jsonb", words.store));
  if (plan.own_tables() > 1)
    report.problems.push_back(
        fmt::format("a job fills one {} of {}: give each its own job, with a filter", words.holder,
                    words.store));
  if (mapping.on_conflict != OnConflict::kError && mapping.on_conflict != OnConflict::kUpdate)
    report.problems.push_back(
        fmt::format("{} replaces by id: on_conflict is 'error', where the {} is empty, or 'update'",
                    words.store, words.holder));
  if (!mapping.indexes.empty() || !mapping.constraints.empty())
    report.problems.push_back(std::string(words.indexes));
}

}  // namespace lugger
