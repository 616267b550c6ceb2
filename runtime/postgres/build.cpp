#include "postgres/build.hpp"

#include "postgres/step_state.hpp"
#include "postgres/toml_index.hpp"
#include "postgres/vector_index.hpp"

namespace lugger {
namespace {

/// After this many tries of a plain build the table counts as in use.
constexpr uint64_t kPlainTries = 2;

std::string drop_statement(const StageStep& step) {
  const size_t dot = step.table.find('.');
  const std::string schema = dot == std::string::npos ? "" : step.table.substr(0, dot + 1);
  return "DROP INDEX CONCURRENTLY IF EXISTS " + PgSession::quote_table(schema + step.name);
}

bool index_stands(PgSession& session, const StageStep& step) {
  const StepState state = step_state(session, step);
  return state == StepState::kDone ||
         (step.kind == StepKind::kUnique && state == StepState::kStarted);
}

bool is_invalid(PgSession& session, const StageStep& step) {
  return step_state(session, step) == StepState::kInvalid;
}

/// An INVALID index is renamed to this name, which contains its OID, before it is dropped.
constexpr std::string_view kBroken = "c.relname = 'lugger_broken_' || c.oid";

bool has_broken(PgSession& session, const StageStep& step) {
  return session
             .query(
                 fmt::format("SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE "
                             "i.indrelid = pg_catalog.to_regclass($1) AND NOT i.indisvalid AND {}",
                             kBroken),
                 {PgSession::quote_table(step.table)})
             .size() != 0;
}

class Build {
 public:
  Build(CrewMember& member, const CrewTask& task)
      : member_(member), session_(member.session()), step_(task.step), begun_(task.begun) {
    concurrently_ = task.concurrently;
  }

  void run() {
    wait_for_others();
    if (is_invalid(session_, step_) || has_broken(session_, step_)) {
      if (!begun_ && is_invalid(session_, step_)) refuse_foreign();
      member_.tell("dropping an INVALID leftover");
      if (drop_broken())
        member_.note(fmt::format(
            "{}: an INVALID leftover of an earlier build was dropped; the index is built anew",
            step_.name));
    }
    if (index_stands(session_, step_)) return wait_for_background();
    const VectorBuild prepared = prepare_vector_build(session_, step_);
    for (const std::string& note : prepared.notes) member_.note(note);
    if (!prepared.settings.empty()) session_.execute(prepared.settings);
    for (uint64_t tries = 1; !attempt(tries); ++tries) member_.patience().pause(tries);
    if (is_vector_index(step_.method)) {
      session_.execute("RESET max_parallel_maintenance_workers");
      if (std::string note = left_out_of_index(session_, step_); !note.empty())
        member_.note(std::move(note));
    }
    wait_for_background();
  }

 private:
  /// When a lugger process is killed, the server continues its build. Building it a second time
  /// would gain nothing.
  void wait_for_others() {
    for (uint64_t tries = 1;; ++tries) {
      const std::string builder = builder_of(session_, step_);
      if (builder.empty()) return;
      if (tries == 1)
        member_.note(
            fmt::format("{}: a build that was under way was waited for ({})", step_.name, builder));
      member_.tell("another session builds it", builder);
      member_.patience().pause(2);
    }
  }

  /// An index of PGVecto.rs finds what it has taken in so far.
  void wait_for_background() {
    for (bool told = false; is_indexing(session_, step_); told = true) {
      if (!told)
        member_.note(
            fmt::format("{}: the server went on building it after CREATE INDEX, which was "
                        "waited for",
                        step_.name));
      member_.tell("the server builds it in the background");
      member_.patience().pause(3);
    }
  }

  /// True: the index exists.
  bool attempt(uint64_t tries) {
    member_.count_tries(1);
    if (!concurrently_) return attempt_plain();
    refuse_timeout();
    try {
      member_.tell("building");
      // Without lock_timeout: while CONCURRENTLY waits it blocks neither reads nor writes, and
      // after a timeout it would have to begin again.
      session_.run(index_statement(step_, true));
      return true;
    } catch (const Error& error) {
      // The session of a killed process has built it meanwhile.
      if (error.sqlstate() == "42P07" && index_stands(session_, step_)) return true;
      if (error.sqlstate() != "42P07") tidy(error);  // otherwise another relation has this name
      if (goes_alone(error)) return false;
      if (!is_lock_failure(error) || tries >= member_.patience().settings->lock_tries)
        explain(error);
      return false;
    }
  }

  bool attempt_plain() {
    Patience patience = member_.patience();
    StageSettings few = *patience.settings;
    few.lock_tries = std::min<uint32_t>(few.lock_tries, kPlainTries);
    patience.settings = &few;
    member_.tell("building");
    try {
      patience.execute(session_, step_.table, {index_statement(step_, false)});
      return true;
    } catch (const Error& error) {
      // The session of a killed process has built it meanwhile.
      if (error.sqlstate() == "42P07" && index_stands(session_, step_)) return true;
      if (goes_alone(error)) return false;
      if (!is_lock_failure(error)) explain(error);
      concurrently_ = true;
      member_.note(fmt::format("{}: {} is in use, so the index is built CONCURRENTLY", step_.name,
                               step_.table));
      return false;
    }
  }

  /// True: the build failed since its workers share more memory than there is, and is to be tried
  /// again without them.
  bool goes_alone(const Error& error) {
    if (alone_ || !lacks_shared_memory(error)) return false;
    alone_ = true;
    session_.execute("SET max_parallel_maintenance_workers = 0");
    member_.note(
        fmt::format("{}: built without parallel workers: {}", step_.name, error.message()));
    return true;
  }

  /// Drops what a failed CONCURRENTLY left behind; if it cannot, reports what is left.
  void tidy(const Error& error) {
    member_.begin_tidying();
    if (!session_.alive()) return;
    try {
      drop_unfinished();
    } catch (const Error& second) {
      // The cancel request that was meant for the build may arrive late.
      if (second.sqlstate() != "57014") tell_leftover(error, second);
      try {
        drop_unfinished();
      } catch (const Error& third) {
        tell_leftover(error, third);
      }
    }
  }

  void drop_unfinished() {
    if (!is_invalid(session_, step_) && !has_broken(session_, step_)) return;
    member_.tell("dropping the unfinished index");
    drop_broken();
  }

  /// A session that builds an index holds this lock on its table. So once we have the lock, nobody
  /// is still building an index that is not valid. It is renamed under the lock; then only this
  /// index can be dropped afterwards, while others read and write.
  bool drop_broken() {
    std::vector<std::string> broken;
    session_.begin();
    try {
      session_.execute("SET LOCAL lock_timeout = 0; LOCK TABLE " +
                       PgSession::quote_table(step_.table) + " IN SHARE UPDATE EXCLUSIVE MODE");
      const PgRows rows = session_.query(
          fmt::format(
              "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), "
              "pg_catalog.quote_ident(n.nspname), c.oid, {0} "
              "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON "
              "n.oid = c.relnamespace WHERE i.indrelid = pg_catalog.to_regclass($1) AND NOT "
              "i.indisvalid AND "
              "(c.relname = $2 OR {0})",
              kBroken),
          {PgSession::quote_table(step_.table), step_.name});
      for (size_t i = 0; i < rows.size(); ++i) {
        const std::string name = "lugger_broken_" + rows.text(i, 2);
        if (rows.text(i, 3) != "t")
          session_.execute(fmt::format("ALTER INDEX {} RENAME TO {}", rows.text(i, 0), name));
        broken.push_back(rows.text(i, 1) + "." + name);
      }
      session_.commit();
    } catch (...) {
      session_.rollback();
      throw;
    }
    for (const std::string& name : broken) {
      broken_ = name;
      session_.run("DROP INDEX CONCURRENTLY IF EXISTS " + name);
    }
    return !broken.empty();
  }

  /// CONCURRENTLY cannot run in a transaction, and through a pooler a setting applies only within
  /// one.
  void refuse_timeout() {
    if (!session_.pooled()) return;
    const std::string timeout = session_.run("SHOW statement_timeout").text(0, 0);
    if (timeout == "0") return;
    throw Error(
        Code::kConfig,
        fmt::format(
            "{}: CREATE INDEX CONCURRENTLY would be cancelled after {}: this role's "
            "statement_timeout, which cannot be lifted through a pooler in transaction mode",
            step_.name, timeout),
        "give the server itself, direct = '...' in lugger.target(...) or PG_DIRECT_URI; or alter "
        "the role: ALTER ROLE ... SET statement_timeout = 0");
  }

  /// The index was built by hand; it failed, or is in progress where this role cannot see it.
  [[noreturn]] void refuse_foreign() {
    throw Error(Code::kConflict,
                fmt::format("an INVALID index {} is on {} that this job did not begin", step_.name,
                            step_.table),
                "another session builds it, or its build failed: wait for it, or drop it: " +
                    drop_statement(step_));
  }

  [[noreturn]] void tell_leftover(const Error& error, const Error& second) {
    Error told = error;
    told.note("left behind", fmt::format("INVALID index {} ({})", step_.name, second.message()));
    const std::string drop =
        broken_.empty() ? drop_statement(step_) : "DROP INDEX CONCURRENTLY IF EXISTS " + broken_;
    told.with_hint("the next run drops and rebuilds it, or: " + drop);
    member_.note(fmt::format("an INVALID index {} is left behind: the next run drops it, or: {}",
                             step_.name, drop));
    throw Error(told);
  }

  [[noreturn]] void explain(const Error& error) {
    Error told = error;
    if (error.sqlstate() == "23505" && error.hint().find("preflight") == std::string::npos)
      told.with_hint("`lugger preflight` counts the rows that violate it");
    if (error.sqlstate() == "54000")
      told.with_hint(std::string(too_long_hint(step_)) + "; `lugger preflight` counts such rows");
    throw Error(told);
  }

  CrewMember& member_;
  PgSession& session_;
  const StageStep& step_;
  bool concurrently_ = false, begun_ = true, alone_ = false;
  std::string broken_;  // the name under which an INVALID index is dropped
};

}  // namespace

void build_index(CrewMember& member, const CrewTask& task) { Build(member, task).run(); }

}  // namespace lugger
