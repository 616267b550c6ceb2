#include "sink/pg_finish.hpp"

#include "sink/pg_catalog.hpp"
#include "sink/pg_ddl.hpp"
#include "sink/pg_layout.hpp"
#include "sink/pg_settle.hpp"

namespace lugger {
namespace {

class Finish {
 public:
  Finish(PgSession& session, const PlanShape& plan, Tally& tally)
      : session_(session), plan_(plan), tally_(tally) {}

  std::vector<std::string> run() {
    for (const DdlStep& step : after_load_steps(plan_)) {
      if (made_by_us(step.table) && !look(step.table)->unique_on(step.columns)) do_step(step);
    }
    for (const TablePlan& table : plan_.tables()) finish_table(table);
    return std::move(done_);
  }

 private:
  std::optional<PgTable> look(const std::string& table) { return inspect_table(session_, table); }

  bool made_by_us(const std::string& table) {
    const std::optional<PgTable> found = look(table);
    return found && found->comment == kUnfinishedComment;
  }

  size_t own_table(const std::string& name) const {
    for (size_t t = 0; t < plan_.tables().size(); ++t) {
      if (plan_.tables()[t].name == name && plan_.tables()[t].parent < 0) return t;
    }
    return plan_.tables().size();
  }

  void do_step(const DdlStep& step) {
    const size_t own = own_table(step.table);
    try {
      session_.execute(step.sql);
    } catch (const Error& error) {
      if (error.sqlstate() != "23505" || own == plan_.tables().size()) throw;
      // Looking for duplicates costs a pass over the table: only when the key says that there are
      // some.
      settle_and_retry(step, own);
    }
    done_.push_back(step.sql);
  }

  void settle_and_retry(const DdlStep& step, size_t own) {
    session_.begin();
    try {
      const uint64_t taken = settle_duplicates(session_, plan_, own, tally_);
      session_.execute(step.sql);
      session_.commit();
      done_.push_back(
          fmt::format("{}: {} rows with a key that came more than once were settled by on_conflict",
                      step.table, taken));
    } catch (...) {
      session_.rollback();
      throw;
    }
  }

  void finish_table(const TablePlan& table) {
    const std::optional<PgTable> found = look(table.name);
    if (!found) return;
    const std::string name = PgSession::quote_table(table.name);
    for (const Column& column : table.columns) {
      if (is_written(column) && found->column(column.name) != nullptr)
        advance_sequence(name, column.name);
    }
    if (found->owned && found->kind != "v" && found->kind != "f") {
      session_.execute("ANALYZE " + name);
      done_.push_back("ANALYZE " + name);
    }
    if (found->comment == kUnfinishedComment)
      session_.execute("COMMENT ON TABLE " + name + " IS NULL");
  }

  /// Values we wrote must not be handed out again by the column's own sequence.
  void advance_sequence(const std::string& table, const std::string& column) {
    const std::string sequence =
        session_.query("SELECT pg_get_serial_sequence($1, $2)", {table, column}).text(0, 0);
    if (sequence.empty()) return;
    const PgRows moved = session_.query(
        fmt::format(
            "SELECT setval($1::regclass, m) FROM (SELECT max({}) AS m FROM {}) x, {} s"
            " WHERE m IS NOT NULL AND (m > s.last_value OR (m = s.last_value AND NOT s.is_called))",
            PgSession::quote_name(column), table, sequence),
        {sequence});
    if (moved.size() != 0)
      done_.push_back(fmt::format("{} advanced to {}", sequence, moved.text(0, 0)));
  }

  PgSession& session_;
  const PlanShape& plan_;
  Tally& tally_;
  std::vector<std::string> done_;
};

}  // namespace

std::vector<std::string> finish_pg(PgSession& session, const PlanShape& plan, Tally& tally) {
  return Finish(session, plan, tally).run();
}

}  // namespace lugger
