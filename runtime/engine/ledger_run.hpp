// One run in the ledger, from its beginning to its end: of a load, a task, a fix, an undo, a repair.
//
//   begin() --> running --end()--> done
//                 |  ^
//           end() |  | resume()
//                 v  |
//          stopped, failed          give_up() --> abandoned
//
// It is "running" from its first word in the ledger on: whoever is killed leaves it so. Running,
// stopped and failed are unfinished: the same command goes on with such a run, or it gives way to a
// later one and is "abandoned". Of a job's runs only the newest is unfinished; done and abandoned
// are for good.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/run.hpp"
#include "place/state.hpp"

namespace lugger {

/// Who asks for a run.
struct RunRequest {
  std::string job, script_hash, source_identity;
  bool restart = false, accept_changes = false;
};

/// What becomes of a job's unfinished run when the job is asked for again.
enum class Earlier : uint8_t {
  kNone,       // there is none
  kGoesOn,     // it is resumed
  kGivesWay,   // another script or source, and nothing was committed: nobody needs to be asked
  kRestarted,  // the user wants to begin again; what it wrote is in the way
};

/// What a run took of its source when it is done.
enum class Taken : uint8_t {
  kPart,   // a limit, or rejects tried again
  kWhole,  // what it refused stands for all: rejects of the job's earlier runs give way to its own
};
Taken taken_of(const RunSettings& settings);

std::string new_run_id();
bool is_unfinished(const RunRecord& run);
/// It tried rejects again.
bool was_retry(State& state, const RunRecord& run);
/// There is nothing in it to go on with.
bool committed_nothing(State& state, const RunRecord& run);
/// The newest run of a job that loaded its source, or a part of it: one that only tried rejects
/// again is not meant, nor one that ended before its first commit.
std::optional<RunRecord> latest_load(State& state, const std::string& job);

/// See Earlier. `missing`: tables of the job that are not there.
bool gives_way(State& state, const RunRecord& run, const RunRequest& request,
               const std::vector<std::string>& missing);
/// Error{config} unless the run may go on as what is asked for.
void check_unchanged(const RunRecord& run, const RunRequest& request);
/// Why an unfinished run cannot go on, where tables that hold its rows are gone.
std::optional<Error> lost_tables(State& state, const RunRequest& request,
                                 const std::vector<std::string>& missing);

/// Claims a job for as long as the State lives; Error{conflict} when another process has it.
void take_lease(State& state, const std::string& job);

/// What was committed of a run, by all of its attempts and processes.
Tally books_of_run(State& state, const std::string& run);

/// What became of a unit whose commit got no answer.
struct SettledUnit {
  bool committed = false;
  uint64_t taken_back = 0;    // documents of units before it, which a crash of the server undid
  PartitionRecord partition;  // as it stands
  Tally gained;               // by it
};
/// `known`: the partition as it stood before the unit. Nothing where the ledger does not know it.
std::optional<SettledUnit> settle_unit(State& state, const std::string& run,
                                       const PartitionRecord& known);

class LedgerRun {
 public:
  /// Makes or checks the tables of the ledger.
  explicit LedgerRun(std::unique_ptr<State> state);
  /// Gives the job back. A run that nobody ended is "failed" where an exception passes through,
  /// otherwise "stopped".
  ~LedgerRun();
  LedgerRun(const LedgerRun&) = delete;
  LedgerRun& operator=(const LedgerRun&) = delete;

  State& state() noexcept { return *state_; }
  const std::string& run() const noexcept { return run_; }

  /// What is to become of the job's newest run, `latest`. Error{config} where the user must decide.
  Earlier judge(const std::optional<RunRecord>& latest, const RunRequest& request,
                const std::vector<std::string>& missing = {});
  void give_up(const RunRecord& run, const std::string& why = "a later run took its place");

  /// Gives the record its status, and an id where it has none.
  void begin(RunRecord record, const std::vector<PartitionRecord>& partitions);
  /// The run's partitions as they stand.
  std::vector<PartitionRecord> resume(const RunRecord& run);
  /// Takes up an unfinished run to end it, without going on with it.
  void take_up(const RunRecord& run);
  /// Records the end as the result has it. A ledger that cannot be reached must not hide why the
  /// run ended: a warning says so, and "running" stands there, from where it is resumed as well.
  void end(RunResult& result, Taken taken = Taken::kPart) noexcept;
  /// What was over before anybody recorded it: done at once.
  void note(RunRecord record);
  /// Others are at work on the run: its end is theirs to record.
  void leave() noexcept { under_way_ = false; }

 private:
  void record(RunStatus status, const std::string& message);

  std::unique_ptr<State> state_;
  std::string run_;
  bool under_way_ = false;
  int exceptions_;  // that were passing through when this was made
};

}  // namespace lugger
