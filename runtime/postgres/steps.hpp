// The steps after a load, made from a plan: what each builds, and with which statements. Names are
// quoted; expressions are used as the script wrote them.
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
  std::vector<std::string> columns;  // names; of an index: its parts as in the script
  std::string body;                  // index: "ON ... USING ... (...)"; constraints: "CHECK (...)"
  std::string expression;            // check
  std::string references;            // foreign key: table, as the script names it
  std::vector<std::string> referenced;  // its columns; empty: its primary key
  std::string method, where, setup;     // index
  std::string element;                  // hnsw, ivfflat: SQL of what is indexed
  int m = 16;                           // hnsw: neighbours of a row
  bool unique = false, nulls_not_distinct = false;
  bool of_parent = false;  // from a child to its parent: only in tables that lugger made
  std::optional<bool> concurrently;

  std::string id() const;  // how the ledger identifies it
};

/// Indexes and constraints of the mapping, in order; all not_null columns of a table are one step.
std::vector<StageStep> stage_steps(const PlanShape& shape);

/// A part of an index without a " desc" or " asc" at its end.
std::string without_direction(const std::string& part);

/// The step of one index, on `table` when the index names none. Its name is from the script, or
/// empty.
StageStep index_step(const IndexMapping& index, const std::string& table);

/// Columns that a step names directly, not inside an expression.
std::vector<std::string> plain_columns(const StageStep& step);
/// What to do about values that are too long for its index.
std::string_view too_long_hint(const StageStep& step) noexcept;

/// CREATE INDEX for an index or a unique constraint.
std::string index_statement(const StageStep& step, bool concurrently);

/// All statements of a step, in order.
std::vector<std::string> step_statements(const StageStep& step, bool concurrently);

/// A check that proves NOT NULL for `columns` first, so that SET NOT NULL need not scan the table.
std::string not_null_check(const StageStep& step, const std::vector<std::string>& columns);
std::string set_not_null(const StageStep& step, const std::vector<std::string>& columns);
std::string add_constraint(const StageStep& step, bool not_valid);
std::string validate_constraint(const StageStep& step);
std::string drop_constraint(const StageStep& step);
std::string attach_unique(const StageStep& step);
/// For not_null columns that cannot be set yet: a check that new rows must pass.
std::string pending_not_null(const StageStep& step);

}  // namespace lugger
