// One run in the ledger, from beginning to end. It may be a load, a task, a fix, an undo or a
// repair.
//
//   begin() --> running --end()--> done
//                 |  ^
//           end() |  | resume()
//                 v  |
//          stopped, failed          give_up() --> abandoned
//
// A run is "running" from its first record in the ledger, and a killed process leaves it so.
// Running, stopped and failed runs are unfinished: the same command resumes such a run, or a later
// run takes its place and it becomes "abandoned". Only the newest run of a job can be
// unfinished; runs that follow its changes stand apart from its others. Done and abandoned are
// final.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/run.hpp"
#include "place/state.hpp"

namespace lugger {

/// A request to run a job.
struct RunRequest {
  std::string job, script_hash, source_identity;
  bool restart = false, accept_changes = false;
  std::string command = {};  // what was typed, without flags that must not be repeated
};

/// What happens to a job's unfinished run when the job is started again.
enum class Earlier : uint8_t {
  kNone,       // there is none
  kGoesOn,     // it is resumed
  kGivesWay,   // only retried rejects; or script or source changed, and nothing was committed
  kRestarted,  // the user asked to begin again; rows that it wrote are in the way
};

/// How much of its source a finished run has read.
enum class Taken : uint8_t {
  kPart,   // a limit was set, or the run retried rejects or followed changes
  kWhole,  // its rejects replace those of the job's earlier runs
};
Taken taken_of(const RunSettings& settings);

std::string new_run_id();
bool is_unfinished(const RunRecord& run);
/// True when the run retried rejects.
bool was_retry(State& state, const RunRecord& run);
/// True when the run committed nothing, so that there is nothing to resume.
bool committed_nothing(State& state, const RunRecord& run);
/// The newest run of a job that loaded its source or a part of it. Leaves out runs that only
/// retried rejects, and runs that ended before their first commit.
std::optional<RunRecord> latest_load(State& state, const std::string& job);

/// True for Earlier::kGivesWay. `missing`: tables of the job that do not exist.
bool gives_way(State& state, const RunRecord& run, const RunRequest& request,
               const std::vector<std::string>& missing);
/// Throws Error{config} when the request differs from the run in a way that forbids resuming it.
void check_unchanged(const RunRecord& run, const RunRequest& request);
/// The error for an unfinished run that cannot be resumed because tables that held its rows are
/// gone.
std::optional<Error> lost_tables(State& state, const RunRequest& request,
                                 const std::vector<std::string>& missing);

/// Claims a job for the lifetime of the State. Error{conflict} when another process has claimed it.
void take_lease(State& state, const std::string& job,
                std::string_view hint = "wait for it, or stop it first");

/// The sum of everything that a run has committed, over all of its attempts and processes.
Tally books_of_run(State& state, const std::string& run);

/// What the ledger says about a unit whose commit got no answer.
struct SettledUnit {
  bool committed = false;
  uint64_t taken_back = 0;    // documents of earlier units that a crash of the server lost
  PartitionRecord partition;  // as the ledger has it now
  Tally gained;               // what the unit added
};
/// `known`: the partition as it stood before the unit. nullopt: the ledger does not know the
/// partition.
std::optional<SettledUnit> settle_unit(State& state, const std::string& run,
                                       const PartitionRecord& known);

class LedgerRun {
 public:
  /// Creates or checks the tables of the ledger.
  explicit LedgerRun(std::unique_ptr<State> state);
  /// Releases the job. A run that was not ended becomes "failed" when an exception is passing
  /// through, otherwise "stopped".
  ~LedgerRun();
  LedgerRun(const LedgerRun&) = delete;
  LedgerRun& operator=(const LedgerRun&) = delete;

  State& state() noexcept { return *state_; }
  const std::string& run() const noexcept { return run_; }

  /// Decides what happens to the job's newest run, `latest`. Error{config} where the user must
  /// decide.
  Earlier judge(const std::optional<RunRecord>& latest, const RunRequest& request,
                const std::vector<std::string>& missing = {});
  void give_up(const RunRecord& run, const std::string& why = "a later run took its place");

  /// Records a new run. Sets its status, and its id where it has none.
  void begin(RunRecord record, const std::vector<PartitionRecord>& partitions);
  /// Returns the partitions of the run as they stand.
  std::vector<PartitionRecord> resume(const RunRecord& run);
  /// Takes over an unfinished run only to end it, not to resume it.
  void take_up(const RunRecord& run);
  /// Records the end of the run from the result. When the ledger cannot be reached this adds a
  /// warning rather than hide why the run ended; the ledger still says "running", and such a run
  /// can be resumed too.
  void end(RunResult& result, Taken taken = Taken::kPart) noexcept;
  /// Records a run that is already over as done.
  void note(RunRecord record);
  /// Leaves the end of the run for other processes to record, because they still work on it.
  void leave() noexcept { under_way_ = false; }

 private:
  void record(RunStatus status, const std::string& message);

  std::unique_ptr<State> state_;
  std::string run_;
  bool under_way_ = false;
  int exceptions_;  // uncaught exceptions when this was constructed
};

}  // namespace lugger
