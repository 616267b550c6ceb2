// Where changes come from: a hook over the rows of a table, or the images of an earlier run.
#pragma once
#include "fix/mapper.hpp"
#include "fix/spec.hpp"
#include "fix/writer.hpp"
#include "place/state.hpp"

namespace lugger {

/// What one page of rows asks for.
struct Proposal {
  std::vector<FixRow> rows;
  std::vector<RowChange> changes;
  std::vector<RejectRecord> rejects;      // left as they are, and why
  std::map<std::string, uint64_t> skips;  // reason -> rows
  std::string position;                   // behind the last row; "" on an empty page
  uint64_t bytes = 0;
};

/// The row can be seen by this role, and not be written.
RejectRecord kept_by_row_security(const FixTable& table, const FixRow& row);

class ChangeSource {
 public:
  virtual ~ChangeSource() = default;
  /// The page behind a position; no rows: the end.
  virtual Proposal next(PgSession& session, const std::string& position, size_t limit) = 0;
  /// Rows that another session wrote meanwhile, as they are now, locked. Rows that need no change
  /// any more are in no list.
  virtual Proposal again(PgSession& session, const Proposal& first,
                         const std::vector<size_t>& changes) = 0;
};

std::unique_ptr<ChangeSource> hook_source(const FixTable& table, const FixSpec& spec,
                                          FixCondition condition, const std::string& now);
/// `where`: SQL that names rows of the table; empty: all of them.
std::unique_ptr<ChangeSource> image_source(const FixTable& table, const std::string& state_schema,
                                           const std::string& run, const std::string& where);

}  // namespace lugger
