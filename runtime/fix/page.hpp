// Reads the rows of a table a page at a time, in key order: what the hook sees, and what is needed
// to write them back.
#pragma once
#include "fix/table.hpp"
#include "plan/batch.hpp"

namespace lugger {

/// The facts about one row that the hook does not see.
struct FixRow {
  std::vector<std::string> key;                    // texts
  std::string version;                             // changes whenever the row is written
  std::vector<std::optional<std::string>> before;  // a field: its exact text
  std::vector<std::string> parent;  // for each path field: the type of its container; "": missing
  uint64_t image = 0;               // undo: number of its image

  std::string shown_key() const { return fmt::format("{}", fmt::join(key, ", ")); }
};

/// Which rows: a condition of the script's, or a query that gives keys.
struct FixCondition {
  std::string where, query;
  PgParams params;
  /// "SELECT key FROM ...": the stored keys, in place of the query.
  std::string kept_keys;
};

class FixReader {
 public:
  FixReader(const FixTable& table, FixCondition condition)
      : table_(table), condition_(std::move(condition)) {}

  /// At most `limit` rows after `after` (the texts of a key; empty: from the beginning).
  std::vector<FixRow> next(PgSession& session, Batch& batch, const std::vector<std::string>& after,
                           size_t limit);
  /// The current rows with these keys, locked or not. Rows that were deleted, or that the condition
  /// no longer selects, are missing.
  std::vector<FixRow> again(PgSession& session, Batch& batch,
                            const std::vector<const FixRow*>& rows, bool lock);
  uint64_t bytes() const noexcept { return bytes_; }  // of the last page
  /// "(a, b) IN (SELECT ...)", the condition as SQL. Parameters of the script come first.
  std::string condition_sql() const;

 private:
  std::string select() const;
  std::vector<FixRow> read(PgSession& session, Batch& batch, const std::string& sql,
                           const PgParams& params);

  const FixTable& table_;
  FixCondition condition_;
  uint64_t bytes_ = 0;
};

/// "c" or "(c, d)": the key's columns.
std::string key_columns(const FixTable& table, std::string_view alias);
/// '{"a",NULL}': a text[] as a parameter.
class TextArray {
 public:
  void add(const std::optional<std::string>& text);
  std::string take();

 private:
  std::string out_ = "{";
};

}  // namespace lugger
