// The keys that a run has loaded, in the file of its ledger: a key that comes again is known, however
// many there are.
#pragma once
#include <array>
#include <string>

#include "place/sqlite.hpp"

namespace lugger {

using KeyDigest = std::array<unsigned char, 16>;

class RunKeys {
 public:
  /// The run is in the ledger.
  RunKeys(Sqlite& database, const std::string& run);

  bool has(const KeyDigest& key);
  /// False: it was taken before. The caller's transaction decides.
  bool take(const KeyDigest& key);
  void forget();

 private:
  Sqlite& database_;
  const int64_t run_;
  SqliteStatement has_, take_;
};

}  // namespace lugger
