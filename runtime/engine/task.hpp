// A task: a job whose loop over batches is written in the script, with one writer, and with commits
// where the script calls for them.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/job.hpp"

namespace lugger {

struct TaskSpec {
  std::string name;
  std::string script_hash, resume_command;
  std::string now;       // lugger.now() of a new run, ISO text
  RunSettings settings;  // create, dry_run, restart, accept_changes, limit
};

/// Where a task writes, and the options for it.
struct TaskOutput {
  std::string target;
  Options options;
  Mapping mapping;
  ThrottleSpec throttle;
};

/// Used by one thread. Documents live until the next commit. Everything written since the last
/// commit is one transaction, together with the position.
class Task final : public Run {
 public:
  explicit Task(TaskSpec spec);
  ~Task() override;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /// Returns the cursor's number. The position of the first cursor is stored; it starts after the
  /// last committed position.
  size_t add_cursor(std::unique_ptr<Source> source, uint32_t batch_rows);
  /// The next batch. nullptr: there are no more batches if exhausted(), otherwise there is none
  /// yet: call again later. Error{config} when 256 MiB were read since the last commit.
  Batch* next(size_t cursor);
  bool exhausted(size_t cursor) const;
  Position position(size_t cursor) const;
  /// lugger.now() of the run, ISO text; a resumed run keeps it.
  const std::string& now() const noexcept;

  /// A task has one writer; its mapping may fill child tables. Inspects and creates tables, claims
  /// the task and finds its last position.
  void set_writer(TaskOutput output);
  /// Applies the mapping to every document of the batch, as a job does.
  void write(Batch& batch);
  /// Adds one row: a BSON document whose field names are column names.
  void add(Bytes row);
  /// Makes a document of a batch a reject.
  void reject(const Document& document, const std::string& column, const std::string& message);
  /// Commits rows, rejects and position in one transaction. False: the connection to the target was
  /// lost, and the outcome of the commit is not known yet. Call it again later with the same
  /// position; the written rows are kept, and are written again if necessary.
  bool commit(const Position& position);
  /// Discards everything that is not committed.
  void rollback() noexcept;

  /// True when the next unit may begin. Call it after a commit, when no unit is open. Does not
  /// wait.
  bool may_go_on();
  /// Why the task must wait; "" when it may go on.
  std::string waits_for() const;
  /// True when another process asked the run to stop.
  bool stopping() const noexcept;

  /// Begins to end the run, in a separate thread, as kDone, kStopped or kFailed. After a task that
  /// is done, the same stages follow as after a load.
  void end(RunStatus status, const Error* error);
  /// Only after end(). Otherwise as for any run.
  RunSnapshot poll(int timeout_ms) override;
  bool ended() const override;
  void stop(StopLevel level) override;
  RunResult result() override;
  Tally tally() const;
  std::shared_ptr<const PlanShape> shape() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lugger
