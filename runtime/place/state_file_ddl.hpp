// The SQLite file of state_file: where it is, and its tables.
#pragma once
#include <filesystem>
#include <memory>
#include <string_view>

#include "place/sqlite.hpp"

namespace lugger {

/// The present moment as the ledger writes it, an expression of SQL.
inline constexpr std::string_view kStateNow = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

/// Makes what is missing: directory, file, tables. Error{config} when it cannot be written.
std::unique_ptr<Sqlite> make_state(const std::filesystem::path& directory);
/// For reading alone. Null: nothing was ever recorded here.
std::unique_ptr<Sqlite> find_state(const std::filesystem::path& directory);

}  // namespace lugger
