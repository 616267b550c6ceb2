// A task: a job whose loop over batches is written in the script, with commits where the script
// calls for them.
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
  RunSettings settings;  // create, dry_run, restart, accept_changes, limit, retry_rejects
};

/// The reason that is counted for documents of the first cursor that the script passed over.
inline constexpr std::string_view kLeftOut = "neither added, skipped nor rejected by the task";

/// Where a writer writes, and the options for it.
struct TaskOutput {
  std::string target;
  Options options;
  Mapping mapping;
  ThrottleSpec throttle;
};

/// A document that a cursor of the task gave, by its batch. No batch: none.
struct GivenDocument {
  Batch* batch = nullptr;
  uint32_t index = 0;
};

/// Used by one thread. Documents live until the next commit. Everything written since the last
/// commit is one transaction, together with the position.
///
/// The books are by document: each document of the first cursor is read once, and becomes one of
/// inserted, updated, unchanged, skipped and rejected, however many rows it gave to whichever
/// writers; it is counted by its rows of the first writer that has any. A document of another
/// cursor is counted when it is named. A row that belongs to no document counts as one.
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

  /// Returns the writer's number. Inspects and creates tables; the first also claims the task and
  /// finds its last position. Several writers share a target, and are made before the first commit.
  size_t add_writer(TaskOutput output);
  std::shared_ptr<const PlanShape> shape(size_t writer) const;
  /// Applies the mapping to every document of the batch, as a job does.
  void write(size_t writer, Batch& batch);
  /// Adds one row: a BSON document whose field names are column names, and the paths of child
  /// tables. `table`: one of the mapping's own tables; "": the only one, or the one it is routed to.
  void add(size_t writer, Bytes row, std::string_view table, GivenDocument of);
  /// Makes a document a reject, or skips it: nothing of it is loaded, whatever was or will be
  /// written of it. A reject is never skipped.
  void reject(size_t writer, GivenDocument document, const std::string& column,
              const std::string& message);
  void skip(GivenDocument document, std::string_view reason);
  /// Commits rows, rejects and position in one transaction. The position must be that of the first
  /// cursor after the last batch it gave; else Error{config}. False: the connection to the target
  /// was lost, and the outcome of the commit is not known yet. Call it again later with the same
  /// position; the written rows are kept, and are written again if necessary.
  bool commit(const Position& position);
  /// Error{config} when commit() would refuse the position. Changes nothing.
  void check_position(const Position& position) const;
  /// Error{config} when there are rows, skips or rejects that no commit took: for a script that has
  /// come to its end.
  void check_committed() const;
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

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lugger
