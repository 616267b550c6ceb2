// The options of a verification.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lugger {

class Embedder;

/// How many source rows are held in memory while rows are compared one by one: 88 bytes each.
inline constexpr uint64_t kGroupRows = 400'000;

/// How well search finds what it should, on both sides.
struct RecallOptions {
  std::string column;     // of the job's own table; empty: the only one with vectors
  uint64_t k = 10;        // neighbours a query asks for
  uint64_t sample = 100;  // stored vectors that are asked for, when no file has queries
  std::string queries;    // path of a file of queries; empty: a sample
  std::string metric;     // empty: that of the target's index, else of the source's, else cosine
  double least = 0.95;    // the target's recall must not be below
  /// What makes vectors of queries that are texts, for each side; null: the other's is taken.
  std::shared_ptr<Embedder> source_model = {}, target_model = {};
};

struct VerifyOptions {
  int jobs = 0;       // connections and readers; 0: one a core, at most 4
  double sample = 0;  // 0: every row; below 1: a confidence; from 1 on: a number of rows
  uint64_t seed = 0;  // of the sample; 0: choose one and report it
  std::string where;  // a condition on the document's own table, in SQL
  /// All rows that documents make satisfy `where`: missing rows are looked for all the same.
  bool where_of_all = false;
  std::string since;  // ISO time: only documents from then on
  /// Path of the field that `since` is compared with; empty: the time in _id.
  std::string since_field;
  std::vector<std::string> columns;  // only these, besides the key; empty: all
  uint64_t limit_shown = 10;         // number of rows shown in full, for each table and kind
  uint64_t group_rows = kGroupRows;
  bool overwrite_newer = false;  // with on_conflict = newer: a newer row is a difference
  bool live = false;             // the source is written to, and a run applies its changes
  std::optional<RecallOptions> recall = {};  // nullopt: searches are not compared
  int rechecks = 5;                          // how often rows that differ are read again, at most

  /// `where` may leave rows out that documents make: missing rows are not looked for.
  bool narrows_target() const noexcept { return !where.empty() && !where_of_all; }
};

struct RepairOptions {
  bool apply = false;         // false: only report what would be written
  bool delete_extra = false;  // delete rows that no document makes
  bool delete_many = false;   // even a large share of a table
  bool keep_if_none = false;  // but none where the source gives nothing
};

}  // namespace lugger
