// The SQLite file of state_file: its location and its tables.
#pragma once
#include <filesystem>
#include <memory>
#include <string_view>

#include "place/sqlite.hpp"

namespace lugger {

/// SQL expression: the current time as the ledger writes it.
inline constexpr std::string_view kStateNow = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/// Creates what is missing: directory, file, tables. Error{config} when it cannot be written.
std::unique_ptr<Sqlite> make_state(const std::filesystem::path& directory);
/// Opens it read-only. Null: nothing was ever recorded here.
std::unique_ptr<Sqlite> find_state(const std::filesystem::path& directory);

}  // namespace lugger
