// The machinery of a job worked by hand: a script's loop over batches, one writer, commits where
// the script says.
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
  std::string now;       // lugger.now() of a run that begins, ISO text
  RunSettings settings;  // create, dry_run, restart, accept_changes, limit
};

/// Where a task writes, and how.
struct TaskOutput {
  std::string target;
  Options options;
  Mapping mapping;
  ThrottleSpec throttle;
};

/// Worked on by one thread. Documents live until the next commit: what was written since then is one
/// transaction with the position.
class Task final : public Run {
 public:
  explicit Task(TaskSpec spec);
  ~Task() override;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /// The first cursor is the one whose position is kept; it starts behind the last committed one.
  /// Returns its number.
  size_t add_cursor(std::unique_ptr<Source> source, uint32_t batch_rows);
  /// The next batch; nullptr: there are no more, or, unless it is exhausted(), none yet: ask again
  /// after a while. Error{config} when 256 MiB were read since the last commit.
  Batch* next(size_t cursor);
  bool exhausted(size_t cursor) const;
  Position position(size_t cursor) const;
  /// The run's own, also where it goes on: ISO text.
  const std::string& now() const noexcept;

  /// A task has one writer; its mapping may feed child tables. Inspects, creates, claims the task
  /// and finds its last position.
  void set_writer(TaskOutput output);
  /// Every document of the batch through the mapping, as in a job.
  void write(Batch& batch);
  /// One row given by column names, as a BSON document.
  void add(Bytes row);
  /// Refuses a document of a batch.
  void reject(const Document& document, const std::string& column, const std::string& message);
  /// Rows, rejects and position in one transaction. False: the connection to the target is lost,
  /// and it is not known yet what became of them. Ask again after a while, with the same position;
  /// what was written is kept, and is written again if need be.
  bool commit(const Position& position);
  /// Takes back what was not committed.
  void rollback() noexcept;

  /// Whether the next unit may begin: asked behind a commit, when nothing is open. Does not wait.
  bool may_go_on();
  /// Why it does nothing at the moment; "" where it may go on.
  std::string waits_for() const;
  /// Another process asked it to stop.
  bool stopping() const noexcept;

  /// Begins the end of the run, on a thread of its own: kDone, kStopped or kFailed. What comes
  /// behind a load comes behind a task that is done.
  void end(RunStatus status, const Error* error);
  /// Once its end has begun: as of any run.
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
