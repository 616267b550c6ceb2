// DDL made from a plan. Every name is quoted, and no value from the data is used.
#pragma once
#include <string>
#include <vector>

#include "plan/object_names.hpp"
#include "plan/plan.hpp"

namespace lugger {

/// CREATE TABLE for every table of the plan, without keys, which are added after the load. Without
/// IF NOT EXISTS, since the caller knows which tables are missing.
std::vector<std::string> table_ddl(const PlanShape& shape);

/// CREATE TABLE of one table.
std::string create_table(const PlanShape& shape, size_t table);

/// Adds a key: the last step of the load. Indexes and constraints follow in stages (steps.hpp).
struct DdlStep {
  enum class Kind : uint8_t { kUnique, kPrimary };
  Kind kind;
  std::string table;  // as the script names it
  std::string name;   // of the constraint
  std::vector<std::string> columns;
  std::string sql;
  std::string index, attach;  // the same in two statements, to build several indexes at once
};
std::vector<DdlStep> after_load_steps(const PlanShape& shape);
/// `names`: the names in use; further steps of the shape continue with it.
std::vector<DdlStep> after_load_steps(const PlanShape& shape, ObjectNames& names);

/// Names of the columns that identify a row of a table.
std::vector<std::string> key_names(const TablePlan& table);

/// The uuid column that mapping shape S0 makes the primary key, next to the unique MongoDB id.
/// Empty: the key itself is the primary key.
std::string surrogate(const TablePlan& table);

}  // namespace lugger
