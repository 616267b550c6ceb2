#include "sink/pg_build.hpp"

#include "sink/pg_step_state.hpp"

namespace lugger {
namespace {

/// Tries of a plain build before the table counts as in use.
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

class Build {
 public:
  Build(CrewMember& member, const CrewTask& task)
      : member_(member), session_(member.session()), step_(task.step) {
    concurrently_ = task.concurrently;
  }

  void run() {
    wait_for_others();
    if (is_invalid(session_, step_)) {
      member_.tell("dropping an INVALID leftover");
      session_.execute(drop_statement(step_));
      member_.note(fmt::format(
          "{}: an INVALID leftover of an earlier build was dropped; the index is built anew",
          step_.name));
    }
    if (index_stands(session_, step_)) return;
    for (uint64_t tries = 1; !attempt(tries); ++tries) member_.patience().pause(tries);
  }

 private:
  /// A process of ours that was killed leaves its build to the server, which goes on with it:
  /// nothing is gained by doing it twice.
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

  /// True: it stands.
  bool attempt(uint64_t tries) {
    member_.count_tries(1);
    if (!concurrently_) return attempt_plain();
    try {
      member_.tell("building");
      // No lock_timeout: CONCURRENTLY keeps nobody from reading or writing while it waits, and
      // would have to begin anew.
      session_.execute(index_statement(step_, true));
      return true;
    } catch (const Error& error) {
      // Built meanwhile by the session of a killed process.
      if (error.sqlstate() == "42P07" && index_stands(session_, step_)) return true;
      tidy(error);
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
      // Built meanwhile by the session of a killed process.
      if (error.sqlstate() == "42P07" && index_stands(session_, step_)) return true;
      if (!is_lock_failure(error)) explain(error);
      concurrently_ = true;
      member_.note(fmt::format("{}: {} is in use, so the index is built CONCURRENTLY", step_.name,
                               step_.table));
      return false;
    }
  }

  /// Takes away what a failed CONCURRENTLY leaves; when it cannot, says what is left.
  void tidy(const Error& error) {
    member_.begin_tidying();
    if (!session_.alive()) return;
    try {
      drop_unfinished();
    } catch (const Error& second) {
      // The cancel of the build itself may arrive late.
      if (second.sqlstate() != "57014") tell_leftover(error, second);
      try {
        drop_unfinished();
      } catch (const Error& third) {
        tell_leftover(error, third);
      }
    }
  }

  void drop_unfinished() {
    if (!is_invalid(session_, step_)) return;
    member_.tell("dropping the unfinished index");
    session_.execute(drop_statement(step_));
  }

  [[noreturn]] void tell_leftover(const Error& error, const Error& second) {
    Error told = error;
    told.note("left behind", fmt::format("INVALID index {} ({})", step_.name, second.message()));
    told.with_hint("the next run drops it and builds it anew, or: " + drop_statement(step_));
    member_.note(fmt::format("an INVALID index {} is left behind: the next run drops it, or: {}",
                             step_.name, drop_statement(step_)));
    throw Error(told);
  }

  [[noreturn]] void explain(const Error& error) {
    Error told = error;
    if (error.sqlstate() == "23505" && error.hint().find("preflight") == std::string::npos)
      told.with_hint("`lugger preflight` counts the rows that stand in the way");
    if (error.sqlstate() == "54000")
      told.with_hint("a value is too long for a btree: index its md5, or use method = 'hash'");
    throw Error(told);
  }

  CrewMember& member_;
  PgSession& session_;
  const StageStep& step_;
  bool concurrently_ = false;
};

}  // namespace

void build_index(CrewMember& member, const CrewTask& task) { Build(member, task).run(); }

}  // namespace lugger
