#include "postgres/constrain.hpp"

#include <algorithm>

#include "postgres/build.hpp"
#include "postgres/catalog.hpp"
#include "postgres/step_state.hpp"

namespace lugger {
namespace {

class Constrain {
 public:
  Constrain(CrewMember& member, const CrewTask& task)
      : member_(member), session_(member.session()), task_(task), step_(task.step) {}

  void run() {
    switch (step_.kind) {
      case StepKind::kNotNull: not_null(); break;
      case StepKind::kCheck:
      case StepKind::kForeign: staged(); break;
      case StepKind::kUnique: unique(); break;
      case StepKind::kOther:
        if (step_state(session_, step_) == StepState::kWaiting)
          alter(add_constraint(step_, false), "adding");
        break;
      case StepKind::kIndex: build_index(member_, task_); break;
    }
  }

 private:
  void alter(const std::string& sql, std::string phase) {
    member_.tell(std::move(phase));
    member_.count_tries(member_.patience().execute(session_, step_.table, {sql}));
  }

  void staged() {
    if (step_state(session_, step_) == StepState::kWaiting)
      alter(add_constraint(step_, true), "adding NOT VALID");
    if (task_.refused) {
      member_.note(
          fmt::format("{} is NOT VALID: new rows are checked, existing rows were not", step_.name));
      return;
    }
    if (step_state(session_, step_) != StepState::kStarted) return;
    refuse_not_enforced();
    alter(validate_constraint(step_), "validating");
  }

  /// From version 18 on, a constraint may be NOT ENFORCED and check nothing, not even new rows.
  void refuse_not_enforced() {
    const PgRows rows = session_.query(
        "SELECT pg_catalog.to_jsonb(c) ->> 'conenforced', c.contype FROM pg_constraint c WHERE "
        "c.conrelid = "
        "pg_catalog.to_regclass($1) AND c.conname = $2",
        {PgSession::quote_table(step_.table), step_.name});
    if (rows.size() == 0 || rows.text(0, 0) != "false") return;
    throw Error(
        Code::kConstraint,
        fmt::format("constraint {} of {} is NOT ENFORCED: it checks nothing", step_.name,
                    step_.table),
        rows.text(0, 1) == "f"
            ? fmt::format("ALTER TABLE {} ALTER CONSTRAINT {} ENFORCED, or drop it to have it made",
                          PgSession::quote_table(step_.table), PgSession::quote_name(step_.name))
            : "drop it, and the stage makes it");
  }

  void unique() {
    if (task_.refused) {
      member_.note(fmt::format("{}: left out: the rows are not unique", step_.name));
      return;
    }
    const StepState state = step_state(session_, step_);
    if (state == StepState::kDone) return;
    if (state != StepState::kStarted) build_index(member_, task_);
    alter(attach_unique(step_), "adding");
  }

  /// A check from an earlier run covers the columns it names, which may be fewer than are needed
  /// now.
  bool pending_check_fits(const std::vector<std::string>& columns) {
    const PgRows rows = session_.query(
        "SELECT a.attname FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid"
        " AND a.attnum = ANY (c.conkey) WHERE c.conrelid = pg_catalog.to_regclass($1) AND "
        "c.conname = $2",
        {PgSession::quote_table(step_.table), step_.name});
    std::vector<std::string> covered;
    for (size_t i = 0; i < rows.size(); ++i) covered.push_back(rows.text(i, 0));
    return std::all_of(columns.begin(), columns.end(), [&](const std::string& column) {
      return std::find(covered.begin(), covered.end(), column) != covered.end();
    });
  }

  bool pending_check_stands(bool validated) {
    return session_
               .query(
                   fmt::format(
                       "SELECT FROM pg_constraint WHERE conrelid = pg_catalog.to_regclass($1) AND "
                       "conname = $2{}",
                       validated ? " AND convalidated" : ""),
                   {PgSession::quote_table(step_.table), step_.name})
               .size() != 0;
  }

  void not_null() {
    const std::vector<std::string> columns = nullable_columns(session_, step_);
    if (!columns.empty()) {
      if (pending_check_stands(false) && !pending_check_fits(columns))
        alter(drop_constraint(step_), "dropping an older check");
      if (!pending_check_stands(false)) alter(not_null_check(step_, columns), "adding NOT VALID");
      if (task_.refused) {
        member_.note(fmt::format(
            "{} is a NOT VALID check instead of NOT NULL: new rows are checked, existing "
            "rows were not",
            step_.name));
        return;
      }
      if (!pending_check_stands(true)) alter(validate_constraint(step_), "validating");
      alter(set_not_null(step_, columns), "setting NOT NULL");
    }
    if (pending_check_stands(false)) alter(drop_constraint(step_), "dropping the check");
    drop_pending();
  }

  /// Drops the check that --force created instead of NOT NULL, once its columns are NOT NULL.
  void drop_pending() {
    StageStep pending = step_;
    pending.name = pending_not_null(step_);
    const PgRows rows =
        session_.query(fmt::format("SELECT pg_catalog.bool_and({}) FROM pg_constraint c JOIN "
                                   "pg_attribute a ON a.attrelid ="
                                   " c.conrelid AND a.attnum = ANY (c.conkey) WHERE c.conrelid = "
                                   "pg_catalog.to_regclass($1)"
                                   " AND c.conname = $2",
                                   kNeverNull),
                       {PgSession::quote_table(step_.table), pending.name});
    if (rows.text(0, 0) == "t") alter(drop_constraint(pending), "dropping the check");
  }

  CrewMember& member_;
  PgSession& session_;
  const CrewTask& task_;
  const StageStep& step_;
};

}  // namespace

void constrain(CrewMember& member, const CrewTask& task) { Constrain(member, task).run(); }

}  // namespace lugger
