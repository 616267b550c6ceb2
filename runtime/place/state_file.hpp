// State of targets that are not SQL: one append-only log in a directory, ./.lugger by default.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "place/state.hpp"

namespace lugger {

std::unique_ptr<State> make_file_state(const std::filesystem::path& directory);

/// Adds a unit whose output is already on disk and output_size bytes long. Returns when the log is
/// on disk too; a unit is in it as a whole or not at all.
void append_unit(const std::filesystem::path& directory, const UnitRecord& unit,
                 uint64_t output_size);

/// How long the output was at the run's last unit: on resume it is cut to this. 0: nothing was
/// committed.
uint64_t recorded_output_size(const std::filesystem::path& directory, const std::string& run);

}  // namespace lugger
