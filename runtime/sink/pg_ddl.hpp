// DDL made from a plan. Every name is quoted; nothing from data reaches it.
#pragma once
#include <string>
#include <vector>

#include "plan/plan.hpp"

namespace lugger {

/// CREATE TABLE for every table of the plan, keys left out: those come after the load. IF NOT
/// EXISTS is not used: the caller knows what is missing.
std::vector<std::string> table_ddl(const PlanShape& shape);
/// Primary key or unique index of each table, then foreign keys of children, indexes and
/// constraints of the mapping.
std::vector<std::string> after_load_ddl(const PlanShape& shape);

/// CREATE TABLE of one table.
std::string create_table(const PlanShape& shape, size_t table);

/// One step after the load. What it makes can be looked up in the catalog, so that a step done
/// before is not done again.
struct DdlStep {
  enum class Kind : uint8_t { kUnique, kPrimary, kForeign, kIndex, kConstraint, kValidate };
  Kind kind;
  std::string table;                 // as the script names it
  std::string name;                  // of the constraint or index, cut to PostgreSQL's 63 bytes
  std::vector<std::string> columns;  // kUnique, kPrimary
  std::string sql;
};
std::vector<DdlStep> after_load_steps(const PlanShape& shape);

/// Names of the columns that identify a row of a table.
std::vector<std::string> key_names(const TablePlan& table);

}  // namespace lugger
