#include "place/run_keys.hpp"

namespace lugger {
namespace {

SqliteBlob blob_of(const KeyDigest& key) {
  return SqliteBlob(std::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
}

}  // namespace

RunKeys::RunKeys(Sqlite& database, const std::string& run)
    : database_(database),
      run_(database.number("SELECT ordinal FROM runs WHERE run = ?", {run})),
      has_(database, "SELECT 1 FROM keys WHERE run = ? AND key = ?"),
      take_(database, "INSERT OR IGNORE INTO keys (run, key) VALUES (?, ?)") {}

bool RunKeys::has(const KeyDigest& key) {
  has_.begin({run_, blob_of(key)});
  bool found = false;
  while (has_.next()) found = true;
  return found;
}

bool RunKeys::take(const KeyDigest& key) {
  take_.run({run_, blob_of(key)});
  return sqlite3_changes64(database_.handle()) != 0;
}

void RunKeys::forget() {
  if (database_.change("DELETE FROM keys WHERE run = ?", {run_}) != 0)
    database_.execute("PRAGMA incremental_vacuum");
}

}  // namespace lugger
