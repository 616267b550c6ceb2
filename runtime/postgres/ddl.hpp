// DDL made from a plan. Every name is quoted; nothing from data reaches it.
#pragma once
#include <string>
#include <vector>

#include "plan/object_names.hpp"
#include "plan/plan.hpp"

namespace lugger {

/// CREATE TABLE for every table of the plan, keys left out: those come after the load. IF NOT
/// EXISTS is not used: the caller knows what is missing.
std::vector<std::string> table_ddl(const PlanShape& shape);

/// CREATE TABLE of one table.
std::string create_table(const PlanShape& shape, size_t table);

/// A key, the last step of the load; indexes and constraints follow in stages (steps.hpp).
struct DdlStep {
  enum class Kind : uint8_t { kUnique, kPrimary };
  Kind kind;
  std::string table;  // as the script names it
  std::string name;   // of the constraint
  std::vector<std::string> columns;
  std::string sql;
  std::string index, attach;  // the same in two steps: indexes are built several at once
};
std::vector<DdlStep> after_load_steps(const PlanShape& shape);
/// The same with the names that other steps of the shape get going on from there.
std::vector<DdlStep> after_load_steps(const PlanShape& shape, ObjectNames& names);

/// Names of the columns that identify a row of a table.
std::vector<std::string> key_names(const TablePlan& table);

/// The uuid column that the S0 shape makes the primary key, beside the unique MongoDB id; empty:
/// the key is the primary key.
std::string surrogate(const TablePlan& table);

}  // namespace lugger
