#include "postgres/target.hpp"

#include "base/url.hpp"
#include "postgres/catalog.hpp"
#include "postgres/distribute.hpp"
#include "postgres/finish.hpp"
#include "postgres/gone.hpp"
#include "postgres/health.hpp"
#include "postgres/inspect.hpp"
#include "postgres/joint_sink.hpp"
#include "postgres/layout.hpp"
#include "postgres/long_keys.hpp"
#include "postgres/manifest.hpp"
#include "postgres/preflight.hpp"
#include "postgres/rows.hpp"
#include "postgres/search.hpp"
#include "postgres/server.hpp"
#include "postgres/session_pool.hpp"
#include "postgres/sink.hpp"
#include "postgres/stage.hpp"
#include "postgres/state.hpp"

namespace lugger {
namespace {

using Type = OptionSpec::Type;

constexpr auto kOptions = joined_options(
    kPgSearchOptions,
    std::array<OptionSpec, 15>{{
        {"table", Type::kText, "table that rows go to, \"users\" or \"schema.users\""},
        {"key", Type::kList, "columns that identify a row"},
        {"on_conflict", Type::kChoice, "what happens to a row whose key is taken", "error",
         "error|skip|update|newer"},
        {"newer", Type::kText,
         "with on_conflict = \"newer\": the column that says which row is newer"},
        {"writer", Type::kChoice, "COPY, or one INSERT statement a batch where COPY cannot go",
         "copy", "copy|statement"},
        {"pooled", Type::kFlag,
         "the server is reached through a pooler in transaction mode (pgbouncer)"},
        {"direct", Type::kUrl,
         "the URL of the server itself: indexes and constraints are always built over it"},
        {"direct_behind_pooler", Type::kUrl,
         "as direct, but used only behind a pooler in transaction mode (default PG_DIRECT_URI)"},
        {"distribute", Type::kText,
         "the column by which Citus distributes the tables that are made; children go with their "
         "parents"},
        {"partition_by", Type::kText,
         "of a table that lugger makes: the column by which it is partitioned, as a tenant"},
        {"partitions", Type::kNumber, "with partition_by: how many partitions by hash", "16"},
        {"partition_values", Type::kList,
         "with partition_by: a partition for each of these values, and one for all others"},
        {"text_search", Type::kList,
         "of a table that lugger makes: text columns that get an indexed tsvector column beside "
         "them"},
        {"text_config", Type::kText, "with text_search: the configuration of the words", "english"},
        {"state_schema", Type::kText, "schema for lugger's own tables", "lugger"},
    }});

/// Why runs cannot be recorded; empty: they can.
std::string state_problem(PgSession& session, const std::string& schema) {
  const std::string runs = PgSession::quote_name(schema) + ".runs";
  const PgRows rows = session.query_again(
      "SELECT CASE WHEN pg_catalog.to_regnamespace(pg_catalog.quote_ident($1)) IS NULL THEN "
      "pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') "
      "WHEN NOT pg_catalog.has_schema_privilege($1, 'USAGE') THEN false "
      "WHEN pg_catalog.to_regclass($2) IS NULL THEN pg_catalog.has_schema_privilege($1, 'CREATE') "
      "ELSE pg_catalog.has_table_privilege(pg_catalog.to_regclass($2), 'INSERT') AND "
      "pg_catalog.has_table_privilege(pg_catalog.to_regclass($2), 'UPDATE') END",
      {schema, runs});
  if (rows.text(0, 0) == "t") return {};
  return fmt::format(
      "permission denied: runs, checkpoints and rejects are kept in schema {}: have an owner "
      "run what `lugger state sql` prints, with the GRANTs at its end, or name a schema of yours "
      "with state_schema = '...' in lugger.target(...)",
      schema);
}

class PgTarget : public Target, public Stages {
 public:
  PgTarget(const std::string& place, const Options& options)
      : place_(mask_secrets(place)),
        url_(resolve_pg_url(place, server_)),
        direct_(options.text("direct")),
        direct_behind_pooler_(options.text("direct_behind_pooler")),
        pooled_(options.flag("pooled") || server_ ? std::optional(options.flag("pooled"))
                                                  : std::nullopt),
        writer_(enum_of<PgWriter>("writer", options.text("writer", "copy"), kPgWriterWords)),
        schema_(options.text("state_schema", "lugger")),
        made_table_(made_table_of(options)),
        search_(pg_search_settings(options)),
        idle_(SessionPool::of(url_)) {}

  std::string place() const override { return place_; }

  bool pooled() override {
    const bool known = [this] {
      const std::lock_guard lock(mutex_);
      return pooled_.has_value();
    }();
    if (!known) borrow("pooler", PgPath::kCatalog);
    return *pooled_;
  }

  std::vector<TargetColumn> columns(const std::string& table) override {
    std::vector<TargetColumn> out;
    const LentSession session = look("inspect");
    const std::optional<PgTable> found = inspect_table(*session, table);
    if (!found) return out;
    for (const PgColumn& column : found->columns) {
      out.push_back({column.name, column.type, column.not_null, column.has_default,
                     column.generated, column.identity});
    }
    return out;
  }

  TargetReport inspect(const PlanShape& plan, bool create, bool again) override {
    const LentSession session = look("inspect");
    TargetReport report = inspect_pg(*session, plan, {create, again, writer_, made_table_});
    report.place = place_;
    if (found_pooler_)
      report.warnings.emplace_back(
          "a pooler in transaction mode stands before the server: what follows keeps to what lasts "
          "as long as a transaction, as with pooled = true; with direct = '...' or PG_DIRECT_URI "
          "indexes and constraints are built on the server itself");
    const std::string problem = state_problem(*session, schema_);
    if (!problem.empty()) report.problems.push_back(problem);
    return report;
  }

  uint64_t standing(const PlanShape& plan, Batch& keys) override {
    const LentSession session = look("inspect");
    PgLoad load{*session, plan, make_layout(*session, plan), false};
    UnitDocuments unit;
    unit.add(keys);
    const Gone gone = collect_gone(load, unit, 0, unit.size());
    if (gone.documents == 0) return 0;
    const MergeSql sql(load.tables, plan.mapping().on_conflict, MergeSql::Relations::kExpressions);
    return documents_of_gone(load, gone, [&](size_t t) { return sql.standing_of_gone(t); }).size();
  }

  void create(const TargetReport& report) override {
    if (report.create.empty()) return;
    const LentSession session = borrow("create");
    session->begin();
    for (const std::string& sql : report.create) session->execute(sql);
    session->commit();
  }

  std::vector<VectorManifest> manifests(const PlanShape& plan) override {
    return read_pg_manifests(*look("inspect"), plan.tables()[0].name);
  }

  void keep_manifests(const PlanShape& plan) override {
    if (plan.mapping().manifests.empty()) return;
    const LentSession session = borrow("create");
    for (size_t t = 0; t < plan.own_tables(); ++t)
      keep_pg_manifests(*session, plan.tables()[t].name, plan.mapping().manifests);
  }

  std::unique_ptr<State> state() override { return make_pg_state(url_, schema_, pooled()); }

  std::unique_ptr<RowSink> open(const PlanShape& plan, const SinkOptions& options) override {
    return make_pg_sink(plan, sink_settings(options));
  }

  bool commits_together() const override { return true; }

  std::unique_ptr<RowSink> open_joint(const std::vector<const PlanShape*>& plans,
                                      const SinkOptions& options) override {
    return make_pg_joint_sink(plans, sink_settings(options));
  }

  std::vector<std::string> finish(const PlanShape& plan, const FinishWork& work,
                                  Tally& tally) override {
    return finish_pg([this] { return borrow("finish"); }, work, schema_, plan, tally);
  }

  Stages* stages() override { return this; }
  std::unique_ptr<Health> health() override { return make_pg_health(url_, pooled()); }
  std::unique_ptr<Rows> rows() override { return make_pg_rows(url_, pooled(), server_); }
  std::unique_ptr<Search> search(const SearchSpec& spec) override {
    return make_pg_search(url_, pooled(), spec, search_);
  }

  std::vector<TableColumn> not_null(const PlanShape& plan) const override {
    std::vector<TableColumn> out;
    for (const StageStep& step : stage_steps(plan)) {
      if (step.kind != StepKind::kNotNull) continue;
      for (const std::string& column : step.columns) out.push_back({step.table, column});
    }
    return out;
  }

  std::vector<std::vector<TableColumn>> indexed(const PlanShape& plan) const override {
    std::vector<std::vector<TableColumn>> out;
    for (const StageStep& step : stage_steps(plan)) {
      const bool btree = step.kind == StepKind::kIndex && step.method == "btree";
      if (!btree && step.kind != StepKind::kUnique) continue;
      std::vector<TableColumn>& columns = out.emplace_back();
      for (const std::string& column : plain_columns(step)) columns.push_back({step.table, column});
    }
    return out;
  }

  uint64_t longest_key() const override { return kLongestKey; }

  std::vector<StepRecord> steps(const PlanShape& plan) override {
    if (stage_steps(plan).empty()) return {};
    const LentSession session = look("inspect");
    note_made(*session, plan);
    std::vector<StepRecord> out;
    for (const StageStep& step : pending_steps(*session, plan, {made_, {}})) {
      StepRecord& record = out.emplace_back();
      record.stage = step.stage;
      record.step = step.id();
    }
    return out;
  }

  StageResult build(Stage stage, const PlanShape& plan, const StageWork& work) override {
    const std::vector<StageStep> steps = stage_steps(plan);
    const bool none =
        std::ranges::none_of(steps, [&](const StageStep& step) { return step.stage == stage; });
    if (work.behind_load && none) return {};
    const std::string& direct = direct_.empty() && pooled() ? direct_behind_pooler_ : direct_;
    const PgPlace place = direct.empty() ? PgPlace{url_, pooled()} : PgPlace{direct, false};
    return run_pg_stage(place, stage, plan, known_tables(work.state, work.job), work);
  }

  std::vector<Refused> preflight(const PlanShape& plan, const std::string& job) override {
    const std::unique_ptr<State> ledger = state();
    const LentSession session = borrow("preflight");
    const std::vector<StageStep> steps =
        pending_steps(*session, plan, known_tables(ledger.get(), job));
    std::vector<Refused> out = distribution_preflight(*session, plan, steps);
    for (Refused& refused : preflight_pg(*session, plan, steps)) out.push_back(std::move(refused));
    return out;
  }

  std::vector<std::string> delete_problems(const PlanShape& plan) override {
    std::vector<std::string> out;
    const LentSession session = look("inspect");
    for (const TablePlan& table : plan.tables()) {
      const std::optional<PgTable> found = inspect_table(*session, table.name);
      if (found && !found->may_delete)
        out.push_back(fmt::format("permission denied: DELETE on {}", table.name));
    }
    return out;
  }

  /// Tables that lugger has created and not finished contain only rows of their run. For other
  /// tables this is not known.
  void discard(const PlanShape& plan, const std::string&) override {
    const LentSession session = borrow("discard");
    std::string ours;
    for (const TablePlan& table : plan.tables()) {
      const std::optional<PgTable> found = inspect_table(*session, table.name);
      if (!found || found->empty) continue;
      if (found->comment == kUnfinishedComment) {
        ours += (ours.empty() ? "" : ", ") + PgSession::quote_table(table.name);
      } else if (plan.mapping().on_conflict == OnConflict::kError) {
        throw Error(
            Code::kConflict,
            fmt::format("{} holds rows, and nothing tells which of them the earlier run loaded",
                        table.name),
            "empty the table yourself, or set on_conflict = \"skip\" or \"update\" to load over "
            "them");
      }
    }
    if (!ours.empty()) session->execute("TRUNCATE " + ours);
  }

 private:
  PgSinkSettings sink_settings(const SinkOptions& options) {
    return {url_, pooled(), schema_,
            enum_of<PgLoadMode>("the mode of a run", options.mode, kPgLoadModeWords),
            options.lease};
  }

  /// For reading the catalog only.
  LentSession look(const std::string& purpose) {
    LentSession session = borrow(purpose);
    session->only_looks(true);
    return session;
  }

  LentSession borrow(const std::string& purpose, PgPath path = PgPath::kTables) {
    const std::lock_guard lock(mutex_);
    if (pooled_) return idle_->lend(purpose, *pooled_, path);
    LentSession session = idle_->lend_idle(purpose, path);
    if (!session) session = idle_->adopt(PgSession::find_out(url_, purpose, path));
    pooled_ = found_pooler_ = session->pooled();
    return session;
  }

  /// Must be called before finishing removes the comment that marks these tables.
  void note_made(PgSession& session, const PlanShape& plan) {
    for (const TablePlan& table : plan.tables()) {
      if (table_comment(session, table.name) == kUnfinishedComment) made_.insert(table.name);
    }
  }

  StageTables known_tables(State* ledger, const std::string& job) {
    StageTables out{made_, {}};
    if (ledger == nullptr) return out;
    for (const StepRecord& step : ledger->steps(job)) out.promised.insert(step.step);
    return out;
  }

  std::shared_ptr<PgServer> server_;
  std::string place_, url_, direct_, direct_behind_pooler_;
  std::mutex mutex_;            // guards what is detected
  std::optional<bool> pooled_;  // nullopt: the first session detects it
  bool found_pooler_ = false;
  PgWriter writer_;
  std::string schema_;
  MadeTable made_table_;
  PgSearchSettings search_;
  std::shared_ptr<SessionPool> idle_;
  std::set<std::string> made_;  // tables that this process created: nobody uses them yet
};

}  // namespace

std::shared_ptr<Target> make_pg_target(const std::string& place, const Options& options) {
  return std::make_shared<PgTarget>(place, options);
}

std::span<const OptionSpec> pg_target_options() { return kOptions; }

}  // namespace lugger
