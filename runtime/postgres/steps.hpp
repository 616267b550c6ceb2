// The steps behind a load, made from a plan: what each builds, and by which statements. Names are
// quoted; expressions are the script's.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "place/stage.hpp"
#include "plan/plan.hpp"

namespace lugger {

enum class StepKind : uint8_t { kIndex, kNotNull, kCheck, kUnique, kForeign, kOther };

struct StageStep {
  StepKind kind = StepKind::kOther;
  Stage stage = Stage::kConstrain;
  std::string table;                 // as the script names it
  std::string name;                  // of the index or constraint
  std::vector<std::string> columns;  // names; of an index: its parts as the script gave them
  std::string body;                  // index: "ON ... USING ... (...)"; constraints: "CHECK (...)"
  std::string expression;            // check
  std::string references;            // foreign key: table, as the script names it
  std::vector<std::string> referenced;  // its columns; empty: its primary key
  std::string method, where, setup;     // index
  bool unique = false, nulls_not_distinct = false;
  bool of_parent = false;  // of a child to its parent: only for tables that lugger made
  std::optional<bool> concurrently;

  std::string id() const;  // what the ledger knows it by
};

/// Indexes and constraints of the mapping, in order; a table's not_null columns are one step.
std::vector<StageStep> stage_steps(const PlanShape& shape);

/// A part of an index without " desc" or " asc" behind it.
std::string without_direction(const std::string& part);

/// One index, on `table` when it names none. Its name is the script's own, or empty.
StageStep index_step(const IndexMapping& index, const std::string& table);

/// Columns that a step names as such, not inside an expression.
std::vector<std::string> plain_columns(const StageStep& step);

/// CREATE INDEX of an index or a unique constraint.
std::string index_statement(const StageStep& step, bool concurrently);

/// All statements of a step, in order.
std::vector<std::string> step_statements(const StageStep& step, bool concurrently);

/// The check that proves NOT NULL of `columns` before it is set: SET NOT NULL then need not read
/// the table.
std::string not_null_check(const StageStep& step, const std::vector<std::string>& columns);
std::string set_not_null(const StageStep& step, const std::vector<std::string>& columns);
std::string add_constraint(const StageStep& step, bool not_valid);
std::string validate_constraint(const StageStep& step);
std::string drop_constraint(const StageStep& step);
std::string attach_unique(const StageStep& step);
/// Of a table's not_null columns that may not be set yet: a check that new rows must pass.
std::string pending_not_null(const StageStep& step);

}  // namespace lugger
