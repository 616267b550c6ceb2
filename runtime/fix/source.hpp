// The source of changes: a hook applied to the rows of a table, or the images of an earlier run.
#pragma once
#include "fix/mapper.hpp"
#include "fix/spec.hpp"
#include "fix/writer.hpp"
#include "place/state.hpp"

namespace lugger {

/// The changes requested for one page of rows.
struct Proposal {
  std::vector<FixRow> rows;
  std::vector<RowChange> changes;
  std::vector<RejectRecord> rejects;      // rows left unchanged, with the reason
  std::map<std::string, uint64_t> skips;  // reason -> rows
  std::string position;                   // behind the last row; "" on an empty page
  uint64_t bytes = 0;
};

/// The reject for a row that this role can see but not write.
RejectRecord kept_by_row_security(const FixTable& table, const FixRow& row);

class ChangeSource {
 public:
  virtual ~ChangeSource() = default;
  /// The page behind a position; no rows: the end.
  virtual Proposal next(PgSession& session, const std::string& position, size_t limit) = 0;
  /// Rows that another session has written meanwhile: their current state, locked. Rows that no
  /// longer need a change are in none of the lists.
  virtual Proposal again(PgSession& session, const Proposal& first,
                         const std::vector<size_t>& changes) = 0;
};

std::unique_ptr<ChangeSource> hook_source(const FixTable& table, const FixSpec& spec,
                                          FixCondition condition, const std::string& now);
/// `where`: SQL that names rows of the table; empty: all of them.
std::unique_ptr<ChangeSource> image_source(const FixTable& table, const std::string& state_schema,
                                           const std::string& run, const std::string& where);

}  // namespace lugger
