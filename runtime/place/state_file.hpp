// The state for targets that have none of their own: a SQLite database in a directory, ./.lugger by
// default. docs/decisions.md describes how it stays consistent with the output.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "place/run_keys.hpp"
#include "place/state.hpp"

namespace lugger {

/// `target`, asked for when it is needed first, says into what a job loads, where the same job may
/// load into several. Of its runs and rejects those into others are not seen; without it all are.
std::unique_ptr<State> make_file_state(const std::filesystem::path& directory,
                                       std::function<std::string()> target = {});

/// The run that wrote an output last.
struct OutputOwner {
  std::string run, job;
  uint64_t size = 0;  // of its recorded units
  bool done = false;
};
/// Of the ledger in the directory, by the name that make_file_state() was given for the output. Runs
/// that were recorded without such a name count if they are the job's. Reading creates no files.
std::optional<OutputOwner> output_owner(const std::filesystem::path& directory,
                                        const std::string& target, const std::string& job);

/// The same ledger, for the sink that writes the output.
class UnitLedger {
 public:
  explicit UnitLedger(const std::filesystem::path& directory);

  /// Adds a unit whose output is already on disk, where it is output_size bytes long. Returns when
  /// the ledger is on disk too. A unit is recorded as a whole or not at all; after an error, read
  /// the ledger to find out which.
  void add(const UnitRecord& unit, uint64_t output_size) { add(unit, output_size, {}); }
  /// `settle` comes first, in the same transaction: it may take keys, and correct the unit.
  void add(const UnitRecord& unit, uint64_t output_size, const std::function<void()>& settle);
  /// The length of the output after the run's last unit. On resume the output is truncated to it.
  /// 0: nothing was committed.
  uint64_t output_size(const std::string& run);
  /// Before the output is changed: what stands there is the run's from here on.
  void own_output(const std::string& run);
  std::string job_of(const std::string& run);
  /// Keeps what the run loads into, the first time it is asked; false: it loaded into another.
  bool binds(const std::string& run, const std::string& identity);
  /// Of the recorded units of a run.
  uint64_t rows(const std::string& run);
  /// Of the run that was asked for last they stay at hand.
  RunKeys& keys(const std::string& run);

 private:
  std::unique_ptr<Sqlite> database_;
  std::string keys_of_;
  std::optional<RunKeys> keys_;
};

}  // namespace lugger
