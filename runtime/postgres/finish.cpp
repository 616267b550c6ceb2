#include "postgres/finish.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "base/threads.hpp"
#include "postgres/array_text.hpp"
#include "postgres/catalog.hpp"
#include "postgres/ddl.hpp"
#include "postgres/layout.hpp"
#include "postgres/long_keys.hpp"
#include "postgres/settle.hpp"

namespace lugger {
namespace {

class Finish {
 public:
  Finish(const PgConnect& connect, const FinishWork& work, const std::string& state_schema,
         const PlanShape& plan, Tally& tally)
      : connect_(connect),
        work_(work),
        state_schema_(state_schema),
        opened_(connect()),
        session_(*opened_),
        plan_(plan),
        tally_(tally) {}

  std::vector<std::string> run() {
    build_keys();
    for (const TablePlan& table : plan_.tables()) finish_table(table);
    return std::move(done_);
  }

 private:
  /// A key that has to be made: its index, unless it is there already, then the constraint.
  struct Key {
    DdlStep step;
    std::optional<Error> failure;
  };

  /// Keys apart, what is told of a table here is not changed by finishing it.
  const std::optional<PgTable>& look(const std::string& table) {
    const auto known = looks_.find(table);
    return known != looks_.end()
               ? known->second
               : looks_.emplace(table, inspect_table(session_, table)).first->second;
  }

  bool is_pending(const DdlStep& step) {
    const std::optional<PgTable>& found = look(step.table);
    if (!found || found->comment != kUnfinishedComment) return false;
    if (!found->unique_on(step.columns)) return true;
    // An index of ours whose constraint is missing: an earlier finish was cut short between them.
    return session_
               .query(
                   "SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE "
                   "i.indrelid = pg_catalog.to_regclass($1) AND c.relname = $2 AND NOT EXISTS "
                   "(SELECT FROM "
                   "pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))",
                   {PgSession::quote_table(step.table), step.name})
               .size() != 0;
  }

  /// A process of ours that was killed leaves the index that it was building to the server, which
  /// goes on with it, and holds a lock that this one waits for.
  void wait_for_builders(const std::string& table) {
    session_.begin();
    try {
      session_.execute("LOCK TABLE " + PgSession::quote_table(table) +
                       " IN SHARE UPDATE EXCLUSIVE MODE");
      session_.commit();
    } catch (...) {
      session_.rollback();
      throw;
    }
  }

  bool is_unfinished(const std::string& table) {
    const std::optional<PgTable> found = look(table);
    return found && found->comment == kUnfinishedComment;
  }

  bool is_own(const std::string& name) const {
    return std::any_of(plan_.tables().begin(), plan_.tables().end(), [&](const TablePlan& table) {
      return table.name == name && table.parent < 0;
    });
  }

  /// No constraint of a partitioned table can be made of an index that stands.
  static void make_whole(DdlStep& step) {
    step.index = step.sql;
    step.attach.clear();
  }

  /// The indexes take the time, and several can be built at once, also on one table; a constraint
  /// over an index that stands takes none, but needs the table for itself.
  void build_keys() {
    std::vector<Key> keys;
    std::string table;
    for (DdlStep& step : after_load_steps(plan_)) {
      if (std::exchange(table, step.table) != step.table && is_unfinished(table))
        wait_for_builders(table);
      if (!is_pending(step)) continue;
      if (look(step.table)->kind == "p") make_whole(step);
      keys.push_back({std::move(step), std::nullopt});
    }
    build_indexes(keys);
    bool doubled = false;
    for (const Key& key : keys) {
      if (!key.failure) {
        if (!key.step.attach.empty()) session_.execute(key.step.attach);
      } else if (key.failure->sqlstate() == "54000") {
        refuse_long_key(key);
      } else if (key.failure->sqlstate() != "23505") {
        throw *key.failure;
      } else {
        doubled = doubled || is_own(key.step.table);
      }
    }
    make_doubled(keys, doubled);
    for (const Key& key : keys) done_.push_back(key.step.sql);
  }

  /// Rows of an earlier version, which did not look for such keys when it loaded.
  [[noreturn]] void refuse_long_key(const Key& key) {
    std::vector<std::string> columns;
    for (const std::string& column : key.step.columns)
      columns.push_back(PgSession::quote_name(column));
    const PgRows rows = session_.query(fmt::format(
        "SELECT pg_catalog.count(*) OVER (), pg_catalog.left(pg_catalog.concat_ws(', ', t.{}), 40) "
        "FROM {} t "
        "WHERE {} LIMIT 5",
        fmt::join(columns, ", t."), PgSession::quote_table(key.step.table), is_too_long(columns)));
    std::string named;
    for (size_t i = 0; i < rows.size(); ++i)
      named += fmt::format("{}{}...", i == 0 ? "" : ", ", rows.text(i, 1));
    if (named.empty()) throw *key.failure;
    throw Error(Code::kConstraint,
                fmt::format("{}: {} rows have a key that is too long for its index: {} ({})",
                            key.step.table, rows.text(0, 0), named, key.failure->message()),
                "delete these rows and run the same command again; or --restart, which makes "
                "rejects of them",
                key.failure->sqlstate());
  }

  void build_indexes(std::vector<Key>& keys) {
    std::atomic<size_t> next{0};
    const auto work = [&](PgSession& session) {
      for (size_t i = next++; i < keys.size(); i = next++) {
        try {
          session.execute(keys[i].step.index);
        } catch (const Error& error) {
          keys[i].failure = error;
        } catch (const std::exception& error) {
          keys[i].failure = Error(Code::kBug, error.what());
        }
      }
    };
    std::vector<std::shared_ptr<PgSession>> more;
    for (size_t i = 1; i < std::min<size_t>(work_.connections, keys.size()); ++i)
      more.push_back(connect_());
    const std::vector<std::jthread> threads =
        start_threads(more.size(), 0, [&](size_t number) { work(*more[number]); });
    work(session_);
  }

  /// Looking for duplicates costs a pass over the table: only when a key says that there are some.
  void make_doubled(const std::vector<Key>& keys, bool doubled) {
    std::vector<std::string> failed;
    for (const Key& key : keys) {
      if (key.failure) failed.push_back(key.step.sql);
    }
    std::vector<SettledTable> settled;
    if (doubled) settled = settle_duplicates(session_, plan_, work_, state_schema_, failed, tally_);
    if (settled.empty()) {
      for (const std::string& sql : failed) session_.execute(sql);  // says what stands twice
      return;
    }
    for (const SettledTable& table : settled) {
      done_.push_back(
          fmt::format("{}: {} rows with a key that came more than once were settled by on_conflict",
                      table.name, table.rows));
    }
  }

  void finish_table(const TablePlan& table) {
    const std::optional<PgTable>& found = look(table.name);
    if (!found) return;
    const std::string name = PgSession::quote_table(table.name);
    ArrayText written;
    for (const Column& column : table.columns) {
      if (is_written(column) && found->column(column.name) != nullptr) written.text(column.name);
    }
    const PgRows sequences = session_.query(
        "SELECT c, s FROM (SELECT c, pg_catalog.pg_get_serial_sequence($1, c) AS s FROM "
        "pg_catalog.unnest($2::text[]) AS c) x WHERE s IS NOT NULL",
        {name, written.finish()});
    for (size_t i = 0; i < sequences.size(); ++i)
      advance_sequence(name, sequences.text(i, 0), sequences.text(i, 1));
    if (found->owned && found->kind != "v" && found->kind != "f" && is_another(*found)) {
      session_.execute("ANALYZE " + name);
      done_.push_back("ANALYZE " + name);
    }
    if (found->comment == kUnfinishedComment)
      session_.execute("COMMENT ON TABLE " + name + " IS NULL");
  }

  /// Do its statistics miss much of it? By autovacuum's own measure, a tenth. Rows are counted of
  /// all tables.
  bool is_another(const PgTable& table) {
    if (table.comment == kUnfinishedComment) return true;
    const PgRows rows = session_.query_again(
        "SELECT c.reltuples <= 0 OR $2::int8 > c.reltuples / 10 OR NOT EXISTS (SELECT FROM "
        "pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid",
        {table.oid, std::to_string(tally_.rows + tally_.deleted)});
    return rows.size() == 0 || rows.text(0, 0) == "t";
  }

  /// Values we wrote must not be handed out again by the column's own sequence.
  void advance_sequence(const std::string& table, const std::string& column,
                        const std::string& sequence) {
    const PgRows moved = session_.query(
        fmt::format(
            "SELECT pg_catalog.setval($1::regclass, m) FROM (SELECT pg_catalog.max({}) AS m FROM "
            "{}) x, {} s"
            " WHERE m IS NOT NULL AND (m > s.last_value OR (m = s.last_value AND NOT s.is_called))",
            PgSession::quote_name(column), table, sequence),
        {sequence});
    if (moved.size() != 0)
      done_.push_back(fmt::format("{} advanced to {}", sequence, moved.text(0, 0)));
  }

  const PgConnect& connect_;
  const FinishWork& work_;
  const std::string& state_schema_;
  std::shared_ptr<PgSession> opened_;
  PgSession& session_;
  const PlanShape& plan_;
  Tally& tally_;
  std::map<std::string, std::optional<PgTable>> looks_;
  std::vector<std::string> done_;
};

}  // namespace

std::vector<std::string> finish_pg(const PgConnect& connect, const FinishWork& work,
                                   const std::string& state_schema, const PlanShape& plan,
                                   Tally& tally) {
  return Finish(connect, work, state_schema, plan, tally).run();
}

}  // namespace lugger
