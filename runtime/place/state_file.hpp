// State of targets that keep none of their own: a SQLite database in a directory, ./.lugger by
// default. See docs/decisions.md for how it agrees with the output.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "place/sqlite.hpp"
#include "place/state.hpp"

namespace lugger {

std::unique_ptr<State> make_file_state(const std::filesystem::path& directory);

/// The same ledger for whoever writes the output.
class UnitLedger {
 public:
  explicit UnitLedger(const std::filesystem::path& directory);

  /// Adds a unit whose output is already on disk and output_size bytes long. Returns when the
  /// ledger is on disk too; a unit is in it as a whole or not at all. After an error only the
  /// ledger knows whether it is.
  void add(const UnitRecord& unit, uint64_t output_size);
  /// How long the output was at the run's last unit: on resume it is cut to this. 0: nothing was
  /// committed.
  uint64_t output_size(const std::string& run);

 private:
  std::unique_ptr<Sqlite> database_;
};

}  // namespace lugger
