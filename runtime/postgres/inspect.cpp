#include "postgres/inspect.hpp"

#include <map>

#include "base/text.hpp"
#include "plan/text_search.hpp"
#include "postgres/ddl.hpp"
#include "postgres/distribute.hpp"
#include "postgres/inspect_names.hpp"
#include "postgres/inspect_writes.hpp"
#include "postgres/layout.hpp"
#include "postgres/loader.hpp"
#include "postgres/manifest.hpp"
#include "postgres/step_state.hpp"
#include "postgres/vectors_plan.hpp"

namespace lugger {
namespace {

constexpr int kOldestVersion = 150000;

std::string names_text(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

class Inspection {
 public:
  Inspection(PgSession& session, const PlanShape& plan, const InspectFor& load,
             TargetReport& report)
      : session_(session),
        plan_(plan),
        load_(load),
        report_(report),
        types_(session, written_types(plan)) {}

  void run() {
    check_server();
    for (const TablePlan& table : plan_.tables())
      tables_.push_back(inspect_table(session_, table.name));
    for (size_t t = 0; t < plan_.tables().size(); ++t) {
      if (tables_[t]) {
        report_.holds_rows |= plan_.tables()[t].parent < 0 && !tables_[t]->empty;
        check_existing(plan_.tables()[t], *tables_[t]);
        check_writes(plan_, t, *tables_[t], report_);
      } else {
        check_missing(t);
      }
      if (t < plan_.own_tables())
        check_made_table(session_, load_.made, plan_.tables()[t],
                         tables_[t] ? &*tables_[t] : nullptr, report_);
    }
    report_.self_contained = is_self_contained(plan_, tables_);
    report_.waits_for_rows = rows_waited_for(session_, plan_, tables_);
    for (const std::string& one : distribution_problems(session_, plan_, tables_))
      problem("{}", one);
    for (const DdlStep& step : after_load_steps(plan_)) {
      if (!is_made(step.table)) continue;
      report_.after_load.push_back(step.sql);
      index_names_[step.table].push_back(step.name);
    }
    list_stages();
    tell_losses(plan_, report_);
    tell_vectors(session_, plan_, types_, report_);
    check_routes(plan_, report_);
    for (const std::string& taken : taken_names(session_, index_names_)) problem("{}", taken);
    decide();
  }

 private:
  template <typename... Args>
  void problem(fmt::format_string<Args...> format, Args&&... args) {
    report_.problems.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) {
    report_.warnings.push_back(fmt::format(format, std::forward<Args>(args)...));
  }

  void check_server() {
    facts_ = server_facts(session_);
    report_.server = "PostgreSQL " + facts_.version_text;
    if (facts_.version < kOldestVersion) {
      warn("the server is PostgreSQL {}: lugger is tested with 15 to 18", facts_.version_text);
    }
    if (facts_.read_only) problem("the server is read only (a standby?): connect to the primary");
    if (facts_.encoding != "UTF8") {
      warn(
          "the database's encoding is {}: text with characters that {} does not have is refused by "
          "the server, and those documents become rejects",
          facts_.encoding, facts_.encoding);
    }
  }

  static std::string suggestion(const std::string& word, const std::vector<std::string>& names) {
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string_view near = nearest(word, views);
    return near.empty() ? "" : fmt::format("; did you mean {}?", near);
  }

  void check_missing(size_t index) {
    const TablePlan& table = plan_.tables()[index];
    report_.missing.push_back(table.name);
    if (!load_.create) {
      problem("table {} does not exist; add --create to make it from the columns", table.name);
      return;
    }
    check_schema(table.name);
    for (const Column& column : table.columns) check_type(table, column);
    const MadeTable made = index < plan_.own_tables() ? load_.made : MadeTable{};
    for (std::string& sql : made_table_statements(made, table, create_table(plan_, index)))
      report_.create.push_back(std::move(sql));
    report_.create.push_back(fmt::format("COMMENT ON TABLE {} IS {}",
                                         PgSession::quote_table(table.name),
                                         PgSession::quote_literal(kUnfinishedComment)));
    if (!plan_.mapping().distribute.empty()) distribute(index);
  }

  /// In the transaction of CREATE TABLE: there is no moment at which rows could come before it.
  void distribute(size_t index) {
    report_.create.push_back(distribute_table(plan_, tables_, index));
    const TablePlan& table = plan_.tables()[index];
    const std::string id = surrogate(table);
    if (id.empty() || table.key.empty()) return;
    warn(
        "{}.{} is not kept unique: Citus does that only for what holds {}, so the primary key is "
        "({})",
        table.name, id, plan_.mapping().distribute, names_text(key_names(table)));
  }

  void check_schema(const std::string& table) {
    const size_t dot = table.find('.');
    const std::string schema = dot == std::string::npos ? "" : table.substr(0, dot);
    const PgRows rows = session_.query(
        "SELECT n.nspname, pg_catalog.has_schema_privilege(n.oid, 'CREATE') FROM pg_namespace n"
        " WHERE n.nspname = coalesce(nullif($1, ''), pg_catalog.current_schema())",
        {schema});
    if (rows.size() != 0) {
      if (rows.text(0, 1) != "t")
        problem("permission denied: CREATE on schema {}", rows.text(0, 0));
    } else if (schema.empty()) {
      problem("no schema of the search_path exists: name one, as in \"app.{}\"", table);
    } else {
      const std::string sql = "CREATE SCHEMA " + PgSession::quote_name(schema);
      if (std::find(report_.create.begin(), report_.create.end(), sql) == report_.create.end()) {
        report_.create.push_back(sql);
      }
    }
  }

  void check_type(const TablePlan& table, const Column& column) {
    if (!types_.of(column.type.sql).empty()) return;
    problem("{}.{}: the database has no type {}{}", table.name, column.name, column.type.sql,
            missing_type_hint(column.type));
  }

  void check_existing(const TablePlan& table, const PgTable& actual) {
    if (actual.kind != "r" && actual.kind != "p" && actual.kind != "v" && actual.kind != "f") {
      problem("{} is not a table that rows can be written to", table.name);
      return;
    }
    if (!actual.may_insert) problem("permission denied: INSERT on {}", table.name);
    check_columns(table, actual);
    check_filled(table, actual);
    check_vectors(table, plan_.mapping(), actual, report_);
  }

  void check_columns(const TablePlan& table, const PgTable& actual) {
    std::vector<std::string> names;
    for (const PgColumn& column : actual.columns) names.push_back(column.name);
    for (const Column& column : table.columns) {
      const PgColumn* stored = actual.column(column.name);
      if (stored == nullptr) {
        problem("table {} has no column {}{}", table.name, column.name,
                suggestion(column.name, names));
      } else if (stored->generated) {
        problem("{}.{} is a generated column: leave it out of the mapping", table.name,
                column.name);
      } else if (is_written(column)) {
        check_cast(table, column, *stored, actual);
      }
    }
  }

  void check_cast(const TablePlan& table, const Column& column, const PgColumn& stored,
                  const PgTable& actual) {
    const std::string& wanted = types_.of(column.type.sql);
    if (wanted.empty())
      return problem(
          "{}.{}: this role does not find the type {} (the column is {}): see its search_path, and "
          "USAGE on the type's schema",
          table.name, column.name, column.type.sql, stored.type);
    if (column.type.kind == Kind::kOther || wanted == stored.base_oid ||
        castable(session_, column.type.sql, stored.bare_type))
      return;
    problem("{}.{} is {} in the database, and {} in the mapping: there is no cast between them; {}",
            table.name, column.name, stored.type, column.type.sql, retyping(table, column, actual));
  }

  /// What to do about a column of the wrong type. An empty table has no values to lose.
  static std::string retyping(const TablePlan& table, const Column& column, const PgTable& actual) {
    if (actual.kind != "r" && actual.kind != "p") return "correct the mapping";
    const std::string change = fmt::format("ALTER TABLE {} ALTER COLUMN {} TYPE {} USING ",
                                           PgSession::quote_table(table.name),
                                           PgSession::quote_name(column.name), column.type.sql);
    return actual.empty ? "the table is empty: " + change + "NULL"
                        : "correct the mapping, or " + change + "an expression";
  }

  void check_filled(const TablePlan& table, const PgTable& actual) {
    for (const PgColumn& stored : actual.columns) {
      if (!stored.not_null || stored.has_default || stored.generated || stored.identity) continue;
      const bool mapped = std::any_of(
          table.columns.begin(), table.columns.end(),
          [&](const Column& column) { return column.name == stored.name && is_written(column); });
      if (!mapped) {
        problem("{}.{} is NOT NULL without a default, and no column of the mapping fills it",
                table.name, stored.name);
      }
    }
  }

  const PgTable* table_named(const std::string& name) const {
    for (size_t t = 0; t < tables_.size(); ++t) {
      if (plan_.tables()[t].name == name) return tables_[t] ? &*tables_[t] : nullptr;
    }
    return nullptr;
  }

  /// Keys are given to tables we make; a table that was there gets what the mapping names, nothing
  /// else.
  bool is_made(const std::string& name) const {
    const PgTable* table = table_named(name);
    return table == nullptr || table->comment == kUnfinishedComment;
  }

  bool stands(const StageStep& step) {
    if (table_named(step.table) == nullptr) return false;
    try {
      return step_state(session_, step) == StepState::kDone;
    } catch (const Error& error) {
      report_.problems.push_back(error.message());
      return true;
    }
  }

  const TablePlan* planned(const std::string& name) const {
    for (const TablePlan& table : plan_.tables()) {
      if (table.name == name) return &table;
    }
    return nullptr;
  }

  /// A word that is wrong here would only be found when all rows are in.
  bool check_step(const StageStep& step) {
    const TablePlan* plan = planned(step.table);
    std::vector<std::string> names;
    if (plan != nullptr) {
      for (const Column& column : plan->columns) names.push_back(column.name);
    }
    for (const std::string& text : load_.made.texts) names.push_back(text_search_column(text));
    if (plan == nullptr || table_named(step.table) != nullptr) {
      const std::optional<PgTable> stored = inspect_table(session_, step.table);
      if (!stored) {
        problem("{}: there is no table {}", step.name, step.table);
        return false;
      }
      for (const PgColumn& column : stored->columns) names.push_back(column.name);
    }
    for (const std::string& column : plain_columns(step)) {
      if (std::find(names.begin(), names.end(), column) != names.end()) continue;
      problem("{}: table {} has no column {}{}", step.name, step.table, column,
              suggestion(column, names));
      return false;
    }
    return true;
  }

  void list_stages() {
    report_.index_memory = session_.query("SHOW maintenance_work_mem").text(0, 0);
    for (const StageStep& step : stage_steps(plan_)) {
      const bool made = planned(step.table) != nullptr && is_made(step.table);
      if (!check_step(step) || (step.of_parent && !made) || stands(step)) continue;
      const PgTable* stored = table_named(step.table);
      if (stored != nullptr && !stored->owned) {
        warn("{}: stage {} needs the owner of {}, and this role is not", step.name,
             stage_word(step.stage), step.table);
      }
      const std::string refused = distributed_step_problem(session_, plan_, tables_, step);
      if (!refused.empty()) problem("{}: {}", step.name, refused);
      if (step.kind == StepKind::kIndex || step.kind == StepKind::kUnique)
        index_names_[step.table].push_back(step.name);
      std::vector<std::string>& list =
          step.stage == Stage::kIndex ? report_.index : report_.constrain;
      for (std::string& sql : step_statements(step, step.concurrently.value_or(!made)))
        list.push_back(std::move(sql));
    }
  }

  void set_mode(PgLoadMode mode) { report_.mode = kPgLoadModeWords[static_cast<size_t>(mode)]; }

  void decide() {
    if (load_.writer == PgWriter::kStatement) {
      set_mode(PgLoadMode::kStatement);
      report_.mode_reason = "writer = \"statement\": one INSERT a batch, no COPY";
      create_keys();
      return;
    }
    report_.mode_reason = reason_to_stage();
    const bool direct = report_.mode_reason.empty();
    set_mode(direct ? PgLoadMode::kDirect : PgLoadMode::kStaged);
    if (direct) {
      report_.mode_reason = report_.create.empty()
                                ? "the tables are empty, or nothing in them can conflict"
                                : "the tables are new";
    } else if (!facts_.may_make_temporary) {
      problem(
          "permission denied: TEMPORARY on the database ({}): GRANT it, or set "
          "writer = \"statement\"",
          report_.mode_reason);
    } else {
      create_keys();
    }
  }

  /// ON CONFLICT needs the key of a table that is about to be made; only a direct load can leave it
  /// for later.
  void create_keys() {
    if (plan_.mapping().on_conflict == OnConflict::kError) return;
    for (const DdlStep& step : after_load_steps(plan_)) {
      const bool key = step.kind == DdlStep::Kind::kUnique || step.kind == DdlStep::Kind::kPrimary;
      if (!key) continue;
      const PgTable* table = table_named(step.table);
      const bool unmade =
          table == nullptr ? load_.create : is_made(step.table) && !table->unique_on(step.columns);
      if (!unmade) continue;
      report_.create.push_back(step.sql);
      std::erase(report_.after_load, step.sql);
    }
  }

  /// Empty: COPY can go straight in.
  std::string reason_to_stage() {
    if (report_.problems.empty()) {
      for (const PgTableLayout& layout : make_layout(session_, plan_, tables_, types_)) {
        if (layout.foreign_types) return fmt::format("{}: {}", layout.name, layout.foreign_reason);
      }
    }
    const bool settles = plan_.mapping().on_conflict != OnConflict::kError;
    if (!load_.again && settles && is_made(plan_.tables()[0].name)) {
      return "the source cannot be read a second time, so the key must stand before its rows, in "
             "case that one comes twice";
    }
    for (size_t t = 0; t < tables_.size(); ++t) {
      if (!tables_[t]) continue;
      const PgTable& table = *tables_[t];
      const std::string& name = plan_.tables()[t].name;
      if (table.row_security)
        return "row-level security is active on " + name + ", and COPY cannot pass it";
      if (table.kind == "v" || table.kind == "f") return name + " is not an ordinary table";
      if (!table.insert_triggers.empty()) {
        return fmt::format("{} has triggers on INSERT ({})", name,
                           names_text(table.insert_triggers));
      }
      if (!table.rules.empty()) {
        return fmt::format("{} has rules ({}), which COPY passes over", name,
                           names_text(table.rules));
      }
      const bool settled = !settles || table.comment == kUnfinishedComment;
      if (!table.empty && !settled) return name + " holds rows already";
    }
    return {};
  }

  PgSession& session_;
  const PlanShape& plan_;
  const InspectFor& load_;
  TargetReport& report_;
  TypeOids types_;
  PgServerFacts facts_;
  StandingTables tables_;
  std::map<std::string, std::vector<std::string>> index_names_;  // to be made, by table
};

}  // namespace

TargetReport inspect_pg(PgSession& session, const PlanShape& plan, const InspectFor& load) {
  TargetReport report;
  Inspection(session, plan, load, report).run();
  return report;
}

}  // namespace lugger
