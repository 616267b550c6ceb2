// What a verification is asked for.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace lugger {

/// Source rows whose digests are held at a time while rows are compared one by one: 88 bytes each.
inline constexpr uint64_t kGroupRows = 400'000;

struct VerifyOptions {
  int jobs = 0;       // connections and readers; 0: one a core, at most 4
  double sample = 0;  // 0: every row; below 1: a confidence; from 1: a number of rows
  uint64_t seed = 0;  // of the sample; 0: one is chosen, and told
  std::string where;  // condition on the target's own table, in its language
  std::string since;  // ISO time: only documents at or after it
  /// Path of the field that `since` is held against; empty: the time in _id.
  std::string since_field;
  std::vector<std::string> columns;  // only these, besides the key; empty: all
  uint64_t limit_shown = 10;         // rows shown in full, of each table and kind
  uint64_t group_rows = kGroupRows;
  bool overwrite_newer = false;  // with on_conflict = newer: a newer row of the target is different
  int rechecks = 5;              // how often rows that differ are read again at most
};

struct RepairOptions {
  bool apply = false;         // false: tell what would be written
  bool delete_extra = false;  // rows that no document makes go
  bool delete_many = false;   // also when they are a large share of a table
};

}  // namespace lugger
