#include "postgres/distribute.hpp"

#include <algorithm>

#include "postgres/session.hpp"

namespace lugger {
namespace {

std::string regclass(const std::string& table) {
  return PgSession::quote_literal(PgSession::quote_table(table));
}

std::string create_distributed(const std::string& table, const std::string& column,
                               const std::string& beside) {
  return fmt::format("SELECT create_distributed_table({}, {}{})", regclass(table),
                     PgSession::quote_literal(column),
                     beside == table ? "" : ", colocate_with => " + regclass(beside));
}

/// The table with which the others are colocated: one that is distributed already, else the first.
size_t anchor(const StandingTables& standing) {
  const auto found = std::find_if(standing.begin(), standing.end(), [](const auto& table) {
    return table && !table->distribution_column.empty();
  });
  return found == standing.end() ? 0 : static_cast<size_t>(found - standing.begin());
}

/// Why the server cannot run create_distributed_table; empty: it can.
std::string server_problem(PgSession& session, const std::string& column) {
  const PgRows found = session.query("SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus'");
  if (found.size() == 0)
    return fmt::format(
        "the database has no Citus, which distribute = \"{}\" asks for: CREATE EXTENSION citus "
        "there "
        "(its library stands in shared_preload_libraries), or leave the option out",
        column);
  const PgRows group = session.query("SELECT groupid FROM pg_catalog.pg_dist_local_group");
  if (group.size() == 0 || group.text(0, 0) == "0") return {};
  return fmt::format(
      "this server is a worker of Citus, and distribute = \"{}\" asks for the coordinator: connect "
      "to that",
      column);
}

std::string table_problem(const PlanShape& plan, const StandingTables& standing, size_t index) {
  const TablePlan& table = plan.tables()[index];
  const PgTable& actual = *standing[index];
  const size_t first = anchor(standing);
  const std::string column = distribution_column(plan, table);
  if (actual.kind != "r" && actual.kind != "p")
    return fmt::format("{} is not a table that Citus could distribute", table.name);
  if (!actual.distributed)
    return fmt::format(
        "{} exists but is not distributed, and distribute = \"{}\" asks for it: {} (its rows "
        "move), or leave the option out",
        table.name, plan.mapping().distribute,
        create_distributed(table.name, column, plan.tables()[first].name));
  if (actual.distribution_column.empty())
    return fmt::format(
        "{} is a reference table of Citus, or has one shard: leave distribute = \"{}\" out of the "
        "target",
        table.name, plan.mapping().distribute);
  if (actual.distribution_column != column)
    return fmt::format(
        "{0} is distributed by {1}, not by {2} as distribute = \"{3}\" wants it: leave the option "
        "out, or SELECT alter_distributed_table({4}, distribution_column => {5})",
        table.name, actual.distribution_column, column, plan.mapping().distribute,
        regclass(table.name), PgSession::quote_literal(column));
  if (actual.colocation != standing[first]->colocation)
    return fmt::format(
        "{0} and {1} are distributed, and their shards do not lie side by side: SELECT "
        "alter_distributed_table({2}, colocate_with => {3})",
        table.name, plan.tables()[first].name, regclass(table.name),
        regclass(plan.tables()[first].name));
  return {};
}

/// How a table, of the plan or not, is or will be distributed.
struct Distribution {
  bool known = false;        // the table exists, or the job creates it
  bool distributed = false;  // by Citus, in any way
  std::string column;        // empty: not distributed by a column
  std::string colocation;    // empty: of a table that the job creates
  std::vector<std::string> primary;
};

Distribution distribution_of(PgSession& session, const PlanShape& plan,
                             const StandingTables& standing, const std::string& table) {
  Distribution out;
  std::optional<PgTable> other;
  const PgTable* actual = nullptr;
  for (size_t t = 0; t < plan.tables().size(); ++t) {
    const TablePlan& planned = plan.tables()[t];
    if (planned.name != table) continue;
    if (standing[t]) {
      actual = &*standing[t];
      break;
    }
    out.known = true;
    out.column = distribution_column(plan, planned);
    out.distributed = !out.column.empty();
    for (const size_t slot : planned.key) out.primary.push_back(planned.columns[slot].name);
    return out;
  }
  if (actual == nullptr && (other = inspect_table(session, table))) actual = &*other;
  if (actual == nullptr) return out;
  out.known = true;
  out.distributed = actual->distributed;
  out.column = actual->distribution_column;
  out.colocation = actual->colocation;
  for (const PgIndex& index : actual->indexes) {
    if (index.primary) out.primary = index.columns;
  }
  return out;
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string foreign_problem(const StageStep& step, const Distribution& own,
                            const Distribution& other) {
  const std::string key =
      fmt::format("foreign key ({}) of {}, which is distributed by {}", step.name,
                  fmt::join(step.columns, ", "), step.table, own.column);
  const std::string reference = fmt::format(
      "make {} a reference table (SELECT create_reference_table({})), or leave the key out",
      step.references, regclass(step.references));
  if (!other.known) return {};
  if (!other.distributed)
    return fmt::format("{}, to {}, which is not: {}", key, step.references, reference);
  if (other.column.empty()) return {};
  const std::vector<std::string>& referenced =
      step.referenced.empty() ? other.primary : step.referenced;
  for (size_t i = 0; i < std::min(step.columns.size(), referenced.size()); ++i) {
    if (step.columns[i] == own.column && referenced[i] == other.column &&
        (own.colocation.empty() || other.colocation.empty() || own.colocation == other.colocation))
      return {};
  }
  return fmt::format(
      "{}, to ({}) of {}, which is by {}: Citus takes it only where the one column refers to the "
      "other, in shards side by side: {}",
      key, fmt::join(referenced, ", "), step.references, other.column, reference);
}

}  // namespace

std::string distribution_column(const PlanShape& plan, const TablePlan& table) {
  const std::string& column = plan.mapping().distribute;
  if (column.empty() || table.parent < 0) return column;
  // The key of every child begins with the key of the document's own row.
  const TablePlan& own = plan.tables()[0];
  for (size_t i = 0; i < own.key.size(); ++i) {
    if (own.columns[own.key[i]].name == column) return table.columns[table.parent_key[i]].name;
  }
  return {};
}

std::string distribute_table(const PlanShape& plan, const StandingTables& standing, size_t table) {
  const TablePlan& made = plan.tables()[table];
  return create_distributed(made.name, distribution_column(plan, made),
                            plan.tables()[anchor(standing)].name);
}

std::vector<std::string> distribution_ddl(const PlanShape& plan) {
  std::vector<std::string> out;
  if (plan.mapping().distribute.empty()) return out;
  for (size_t t = 0; t < plan.tables().size(); ++t) out.push_back(distribute_table(plan, {}, t));
  return out;
}

std::vector<std::string> distribution_problems(PgSession& session, const PlanShape& plan,
                                               const StandingTables& standing) {
  const std::string& column = plan.mapping().distribute;
  if (column.empty()) return {};
  if (std::string problem = server_problem(session, column); !problem.empty())
    return {std::move(problem)};
  std::vector<std::string> out;
  for (size_t t = 0; t < standing.size(); ++t) {
    if (!standing[t]) continue;
    if (std::string problem = table_problem(plan, standing, t); !problem.empty())
      out.push_back(std::move(problem));
  }
  return out;
}

std::string distributed_step_problem(PgSession& session, const PlanShape& plan,
                                     const StandingTables& standing, const StageStep& step) {
  const bool unique = step.kind == StepKind::kUnique || step.unique;
  if (!unique && step.kind != StepKind::kForeign) return {};
  const Distribution own = distribution_of(session, plan, standing, step.table);
  if (own.column.empty()) return {};
  if (step.kind == StepKind::kForeign)
    return foreign_problem(step, own, distribution_of(session, plan, standing, step.references));
  if (holds(plain_columns(step), own.column)) return {};
  return fmt::format(
      "{} is distributed by {}, and Citus keeps unique only what holds that column: add it, or "
      "leave "
      "unique out",
      step.table, own.column);
}

std::vector<Refused> distribution_preflight(PgSession& session, const PlanShape& plan,
                                            const std::vector<StageStep>& steps) {
  std::vector<Refused> out;
  const auto add = [&](const std::string& table, std::string_view constraint, std::string message) {
    if (message.empty()) return;
    Refused& refused = out.emplace_back();
    refused.table = table;
    refused.constraint = constraint;
    refused.kind = "distribution";
    refused.message = std::move(message);
  };
  StandingTables standing;
  for (const TablePlan& table : plan.tables())
    standing.push_back(inspect_table(session, table.name));
  for (std::string& problem : distribution_problems(session, plan, standing))
    add(plan.tables()[0].name, "distribute", std::move(problem));
  for (const StageStep& step : steps)
    add(step.table, step.name, distributed_step_problem(session, plan, standing, step));
  return out;
}

}  // namespace lugger
