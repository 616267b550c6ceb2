#include "postgres/state_steps.hpp"

#include "postgres/state_read.hpp"

namespace lugger {
namespace {

std::string iso(std::string_view column) {
  return fmt::format(
      R"(coalesce(pg_catalog.to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), ''))",
      column);
}

}  // namespace

std::vector<StepRecord> read_steps(PgSession& session, const std::string& schema,
                                   const std::string& job) {
  std::vector<StepRecord> out;
  const std::string table = schema + ".stage_steps";
  if (session.query_again("SELECT pg_catalog.to_regclass($1) IS NULL", {table}).text(0, 0) == "t")
    return out;
  const PgRows rows = session.query_again(
      fmt::format("SELECT job, stage, step, run, status, statement, message, tries, {}, {} FROM {} "
                  "WHERE job = $1 ORDER BY ordinal",
                  iso("started_at"), iso("ended_at"), table),
      {job});
  for (size_t i = 0; i < rows.size(); ++i) {
    StepRecord& step = out.emplace_back();
    size_t column = 0;
    std::string stage, status;
    for (std::string* field :
         {&step.job, &stage, &step.step, &step.run, &status, &step.statement, &step.message}) {
      *field = rows.text(i, column++);
    }
    step.stage = enum_of<Stage>("the stage of a step", stage, kStageWords);
    step.status = enum_of<StepStatus>("the status of a step", status, kStepStatusWords);
    step.tries = std::stoull(rows.text(i, column++));
    step.started = rows.text(i, column++);
    step.ended = rows.text(i, column);
  }
  return out;
}

void write_step(PgSession& session, const std::string& schema, const StepRecord& step) {
  const bool waiting = step.status == StepStatus::kWaiting;
  const bool running = step.status == StepStatus::kRunning;
  session.query(
      fmt::format(
          "INSERT INTO {0}.stage_steps AS s (job, step, stage, run, status, statement, message, "
          "tries, "
          "started_at, ended_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8::bigint, "
          "CASE WHEN $9::bool THEN pg_catalog.clock_timestamp() END, "
          "CASE WHEN $10::bool THEN pg_catalog.clock_timestamp() END) "
          "ON CONFLICT (job, step) DO UPDATE SET stage = excluded.stage, run = excluded.run, "
          "status = excluded.status, statement = excluded.statement, message = excluded.message, "
          "tries = excluded.tries, started_at = coalesce(excluded.started_at, s.started_at), "
          "ended_at = excluded.ended_at{1}",
          schema, waiting ? " WHERE false" : ""),
      {step.job, step.step, std::string(stage_word(step.stage)), step.run,
       std::string(step_status_word(step.status)), ledger_text(session, step.statement),
       ledger_text(session, step.message), std::to_string(step.tries), running ? "true" : "false",
       waiting || running ? "false" : "true"});
}

}  // namespace lugger
