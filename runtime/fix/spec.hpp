// What a script asks of a fix, and what came of it.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/options.hpp"
#include "engine/job.hpp"
#include "postgres/session.hpp"

namespace lugger {

inline constexpr uint64_t kDefaultMaxRows = 10000;

struct FixSpec {
  std::string name;    // empty: "fix <table>"
  std::string target;  // place as written; may hold a password: never printed
  Options target_options;
  std::string where;  // SQL condition; empty: every row
  std::string query;  // SQL that gives keys, instead of a condition
  PgParams params;    // of where or query
  std::vector<std::string> set;
  uint64_t max_rows = kDefaultMaxRows;
  uint32_t batch_rows = 1000;
  int64_t retention_seconds = 30 * 86400;
  HookFactory hook;
  ThrottleSpec throttle;
  std::string script_hash, resume_command, now;
};

struct FixSettings {
  bool apply = false;
  bool restart = false, accept_changes = false;
  uint64_t limit = 0;       // rows looked at; 0: all
  size_t limit_shown = 10;  // rows, of each kind
  std::string window;
};

/// A row before and after, as it is shown. NULL is nullopt.
struct FixSample {
  struct Cell {
    std::string field;
    std::optional<std::string> before, after;
  };
  std::string key;
  std::vector<Cell> cells;  // of what changes only
};

/// A row that was left as it is, and why.
struct FixRefusal {
  std::string key, code, message;
};

struct FixFieldReport {
  std::string field;
  uint64_t rows = 0;
  struct Pair {
    std::optional<std::string> before, after;
    uint64_t rows = 0;
  };
  std::vector<Pair> pairs;  // most frequent first
  bool more = false;        // there were more pairs than are kept
};

/// Reasons why an undo leaves a row as it is.
inline constexpr std::string_view kTouched = "touched", kDeleted = "deleted";

struct FixReport {
  std::string kind;  // "fix", "undo"
  std::string table, where;
  bool applied = false;
  uint64_t retried = 0;  // rows that another session changed meanwhile, and that were read again
  uint64_t counted = 0;  // changes the pass before the first write found
  std::vector<FixFieldReport> fields;
  std::vector<FixSample> samples;
  std::vector<FixRefusal> refusals;          // the first of each kind
  std::vector<std::string> triggers, notes;  // what fires, what else to know
  std::string images_until;
};

}  // namespace lugger
