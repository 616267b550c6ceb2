// What a run must remember: itself, its partitions and how far each is, and every reject. In schema
// lugger of a PostgreSQL target, in a SQLite file in ./.lugger for targets that are not SQL.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "place/run_status.hpp"
#include "place/stage.hpp"
#include "plan/operation.hpp"
#include "plan/tally.hpp"

namespace lugger {

struct RunRecord {
  std::string run;  // UUIDv7
  std::string job;
  std::string script_hash;  // script, required modules, options
  std::string source, source_identity;
  /// How it loads, in the target's own word, kept for the whole run; or "fix", "undo", "verify".
  std::string mode;
  RunStatus status;
  std::string command;           // what resumes it, passwords masked
  std::string started, updated;  // ISO text, UTC
  std::string message;           // of a failure
  std::string now;               // lugger.now() of the run, ISO text
  bool joint = false;            // any number of processes claim its partitions
  Tally tally;
};

/// The one partition of a run that tries a job's rejects again.
inline constexpr std::string_view kRejectsPartition = "rejects";

struct PartitionRecord {
  std::string id, spec, position;
  std::string start;  // where it begins, given when the run began; position is empty until a commit
  int phase = 0;
  uint64_t bytes = 0;
  bool done = false;
  Tally tally;
  std::string claim;   // of a joint run: under what it was claimed
  std::string holder;  // who did; of a partition that is done, last
  bool held = false;   // the claim has not expired
};

struct RejectRecord {
  int64_t reject = 0;  // number within the state
  std::string run, job, table, document_id, column, code, message;
  std::string document;  // canonical Extended JSON
  Operation operation = Operation::kUpsert;
  std::string raw;  // keep_document(): BSON, so that --retry loads exactly what was refused
  std::string at;
  // Of a new one alone; they are not kept.
  std::string constraint;   // that the server named
  std::string_view advice;  // what `message` ends with, behind "; ": static text
};

/// What one commit adds to the books, in the transaction of its rows.
struct UnitRecord {
  std::string run, partition, position;
  std::string job;  // whose rejects are meant; empty: the run's own
  bool done = false;
  bool durable = false;  // a crash of the server must not take it back: nobody could make it again
  bool redact = false;   // its rejects keep neither document, bytes nor words that quote them
  Tally tally;           // of this unit alone; the sink fills in what only it can know
  std::vector<RejectRecord> rejects;  // refused before the sink; the sink adds its own
  /// Rejects that this unit loaded or refused anew: they go, in the same transaction.
  std::vector<int64_t> resolved;
};

struct Pruned {
  uint64_t runs = 0, rejects = 0;
};

/// The partition went to another process: nothing of the open unit may be committed.
class ClaimLost : public Error {
 public:
  explicit ClaimLost(std::string_view partition)
      : Error(Code::kConflict,
              fmt::format("partition {} was taken over by another process", partition)) {}
};

/// So did the whole job.
class LeaseLost : public Error {
 public:
  LeaseLost()
      : Error(
            Code::kConflict, "the job was taken over by another process",
            "nothing of the open unit was written; `lugger runs` shows how far the other one is") {}
};

/// What asking for a partition came to.
struct Claimed {
  std::optional<PartitionRecord> partition;  // as it stands behind its last commit
  bool all_done = false;                     // there are none left, here or elsewhere
  std::string others;                        // who holds those that are left; "": this process
};

/// The claims of one process on the partitions of one run. A claim lasts while the process shows
/// that it lives. Calls may come from any thread.
class Claims {
 public:
  virtual ~Claims() = default;
  virtual Claimed take() = 0;
  /// Gives back what this process holds; it takes nothing afterwards.
  virtual void give_back() noexcept = 0;
  /// Whether another process holds a partition.
  virtual bool others() = 0;
  /// The books of the whole run, as of a few seconds ago.
  virtual Tally seen() = 0;
};

class State {
 public:
  virtual ~State() = default;
  /// Creates or checks what it needs. Error{config} with the DDL to run when rights are missing.
  virtual void ensure() = 0;
  /// The newest run of a job, whatever its status.
  virtual std::optional<RunRecord> latest(const std::string& job) = 0;
  virtual std::optional<RunRecord> find(const std::string& run) = 0;
  virtual std::vector<RunRecord> runs(size_t limit) = 0;
  virtual void start(const RunRecord& run, const std::vector<PartitionRecord>& partitions) = 0;
  virtual std::vector<PartitionRecord> partitions(const std::string& run) = 0;
  virtual void set_status(const std::string& run, RunStatus status, const std::string& message) = 0;
  /// Claims the job for this process until the State is destroyed; false: another process holds it
  /// (who: host and pid).
  virtual bool lease(const std::string& job, std::string& holder) = 0;
  /// What units are committed under while this process has a job, and what tells it from the next
  /// holder; empty where nobody can take the job from a holder that lives.
  virtual std::string lease_token() const { return {}; }
  virtual uint64_t count_rejects(const std::string& job) = 0;
  /// In the order of their numbers, from behind `after`, until `use` says no.
  virtual void each_reject(const std::string& job,
                           const std::function<bool(const RejectRecord&)>& use,
                           int64_t after = 0) = 0;
  /// The number of the job's newest reject; 0: it has none.
  virtual int64_t last_reject(const std::string& job) = 0;
  virtual void delete_rejects(const std::vector<int64_t>& rejects) = 0;
  /// Deletes the job's rejects of all runs but this one.
  virtual void delete_other_rejects(const std::string& job, const std::string& run) = 0;
  /// Removes runs that are done or abandoned, with their rejects: of each job all but the newest
  /// `keep`, when they ended longer than `seconds` ago. What can be resumed or undone stays.
  virtual Pruned prune(uint64_t keep, uint64_t seconds) = 0;
  /// Steps of a job's stages, in the order in which they were first recorded. Targets without
  /// stages have none.
  virtual std::vector<StepRecord> steps(const std::string& job) {
    static_cast<void>(job);
    return {};
  }
  /// Records a step, or what became of it. kWaiting leaves a step alone that is known already.
  virtual void put_step(const StepRecord& step) { static_cast<void>(step); }

  // Joint runs, of targets that can share one.
  virtual bool joinable() const { return false; }
  virtual std::unique_ptr<Claims> join(const std::string& run) {
    static_cast<void>(run);
    return nullptr;
  }
  virtual void open_to_claims(const std::string& run) { static_cast<void>(run); }
  /// Only the caller loads the run from here on. Otherwise: who is at work on it.
  virtual std::string close_to_claims(const std::string& run) {
    static_cast<void>(run);
    return {};
  }
};

}  // namespace lugger
