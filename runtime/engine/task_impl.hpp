// The data of a Task. task.cpp reads and writes; task_run.cpp begins and ends the run;
// task_commit.cpp commits.
#pragma once
#include <mutex>

#include "base/conductor.hpp"
#include "engine/control.hpp"
#include "engine/ledger_run.hpp"
#include "engine/retry.hpp"
#include "engine/stages.hpp"
#include "engine/task_unit.hpp"

namespace lugger {

struct Task::Impl {
  struct Reading {
    std::unique_ptr<Source> source;
    std::unique_ptr<Cursor> cursor;
    Position at;      // as far as the cursor is
    Position behind;  // after the last batch that it gave
    uint32_t batch_rows;
    bool ended = false;
    Backoff backoff;  // used after its connection was lost
  };

  explicit Impl(TaskSpec given) : spec(std::move(given)) {
    if (spec.settings.limit != 0) left = static_cast<int64_t>(spec.settings.limit);
  }

  TaskSpec spec;
  std::vector<Reading> readings;
  std::vector<std::unique_ptr<TaskWriter>> writers;
  std::string place, state_schema;    // those of all writers
  std::unique_ptr<LedgerRun> ledger;  // null for a dry run
  std::unique_ptr<Source> retried;    // the task's rejects, with --retry
  std::unique_ptr<RowSink> sink;  // null before the first commit, and while the connection is lost
  std::string mode;               // of the run: how the first writer loads
  Earlier earlier = Earlier::kNone;  // what became of the run before
  std::string earlier_run;
  std::string run;
  RejectGroups rejected;      // committed
  PartitionRecord committed;  // as of the last commit; the position to start behind
  bool resumed = false;

  // The open unit.
  Arena arena;
  std::vector<std::unique_ptr<GivenBatch>> batches;
  size_t batches_used = 0;
  std::vector<RejectRecord> rejects;
  std::vector<int64_t> resolved;  // rejects whose documents were read again
  uint64_t read = 0, bytes = 0;
  uint64_t added_bytes = 0;
  uint64_t rows_added = 0, skips = 0;            // that the script asked for
  Tally booked;                                  // of the unit, once it is settled
  std::map<std::string, uint64_t> skip_reasons;  // of the unit
  bool settled = false;
  bool lost = false;             // the unit's rows went with the lost connection
  std::optional<Error> refused;  // why the unit cannot be committed; no later one may be
  Backoff backoff;

  int64_t left = INT64_MAX;
  Pace pace;
  Away away;  // servers that threads at the end of the run wait for
  StopFlag stopped;
  std::unique_ptr<ControlSocket> control;

  mutable std::mutex mutex;  // guards what follows; the socket and end() have threads too
  Tally told;
  StepsView steps;

  RunResult outcome;
  std::optional<Error> failure;  // the error that the script ended with
  Conductor conductor{"reading"};

  void need_writer() const;
  void need_room() const;
  TaskWriter& writer(size_t number);
  void check_place(const TaskOutput& output) const;
  void name_collection(Mapping& mapping) const;
  void enter_ledger(TaskWriter& first);
  void make_tables(TaskWriter& added);
  void begin_or_resume(TaskWriter& first);
  void begin(const SourceInfo& info);
  void resume(const RunRecord& record);
  std::unique_ptr<Cursor> open_cursor(size_t number);
  std::optional<RunRecord> done_run(const RunRequest& request, const TaskWriter& first);
  void listen();
  void check_position(const Position& position) const;
  void settle();
  void book(const GivenBatch& batch);
  std::unique_ptr<RowSink> open_sink() const;
  void send();
  void lose(const Error& error);
  bool regain(const Position& position);
  UnitRecord unit_at(const Position& position) const;
  void count(const Tally& gained, const Position& position);
  void reset_unit() noexcept;
  void finish();
  std::string conclude(const std::optional<Error>& error);
};

}  // namespace lugger
