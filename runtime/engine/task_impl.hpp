// The data of a Task. task.cpp reads and writes; task_run.cpp begins, commits and ends the run.
#pragma once
#include <mutex>

#include "base/conductor.hpp"
#include "engine/control.hpp"
#include "engine/ledger_run.hpp"
#include "engine/retry.hpp"
#include "engine/stages.hpp"
#include "engine/task.hpp"
#include "place/target.hpp"

namespace lugger {

struct Task::Impl {
  struct Reading {
    std::unique_ptr<Source> source;
    std::unique_ptr<Cursor> cursor;
    Position at;  // after the last batch
    uint32_t batch_rows;
    bool ended = false;
    Backoff backoff;  // used after its connection was lost
  };

  explicit Impl(TaskSpec given) : spec(std::move(given)) {
    if (spec.settings.limit != 0) left = static_cast<int64_t>(spec.settings.limit);
  }

  TaskSpec spec;
  std::vector<Reading> readings;
  std::shared_ptr<Target> target;
  std::shared_ptr<const PlanShape> shape, row_shape;
  std::unique_ptr<Plan> plan, row_plan;
  std::unique_ptr<LedgerRun> ledger;  // null for a dry run
  std::unique_ptr<RowSink> sink;      // null while the connection is lost
  TargetReport report;
  std::string run;
  RejectGroups rejected;      // committed
  PartitionRecord committed;  // as of the last commit; the position to start behind
  bool resumed = false;

  // The open unit.
  Arena arena;
  std::vector<std::unique_ptr<Batch>> batches;
  size_t batches_used = 0;
  std::unique_ptr<Batch> rows;  // rows added with add()
  bool rows_planned = false;
  std::vector<Batch*> written;  // in the order of the calls
  std::vector<RejectRecord> rejects;
  uint64_t read = 0, bytes = 0;
  uint64_t used = 0;             // documents that became rows or rejects
  bool lost = false;             // the unit's rows went with the lost connection
  std::optional<Error> refused;  // why the unit cannot be committed; no later one may be
  Backoff backoff;

  int64_t left = INT64_MAX;
  Pace pace;
  std::atomic<int> away{0};  // threads at the end of the run that wait for a server
  StopFlag stopped;
  std::unique_ptr<ControlSocket> control;

  mutable std::mutex mutex;  // guards what follows; the socket and end() have threads too
  Tally told;
  StepsView steps;

  RunResult outcome;
  std::optional<Error> failure;  // the error that the script ended with
  Conductor conductor{"reading"};

  void need_writer() const;
  bool is_open() const noexcept { return sink != nullptr || lost; }
  void begin_or_resume();
  void resume(const RunRecord& record);
  std::optional<RunRecord> done_run(const RunRequest& request);
  void listen();
  void send(Batch& batch);
  void plan_rows();
  void collect(Batch& batch);
  void lose(const Error& error);
  bool regain(const Position& position);
  SinkOptions sink_options() const;
  UnitRecord unit_at(const Position& position) const;
  void count(const Tally& gained, const Position& position);
  void reset_unit() noexcept;
  void finish();
  std::string conclude(const std::optional<Error>& error);
};

}  // namespace lugger
