// Applies the hook to a page of rows: what each row would become.
#pragma once
#include "fix/page.hpp"
#include "fix/spec.hpp"
#include "plan/plan.hpp"

namespace lugger {

/// A row that a fix, or an undo, wants to write.
struct RowChange {
  size_t row = 0;                                 // in its page
  std::string mask;                               // one character a field: '1' means it changes
  std::vector<std::optional<std::string>> after;  // one a field; mask '0': as `before`
};

/// One worker's plan and hook over a table's rows.
class FixMapper {
 public:
  FixMapper(const FixTable& table, const FixSpec& spec, const std::string& now);
  ~FixMapper();

  /// The rows that would change, with the text that the server makes of the new values. Refused
  /// rows are in batch.refusals; those that the hook skips are in batch.skips. Error{hook} by
  /// policy.
  std::vector<RowChange> run(PgSession& session, Batch& batch, const std::vector<FixRow>& rows);
  const PlanShape& shape() const noexcept { return *shape_; }

 private:
  std::vector<RowChange> candidates(Batch& batch, const std::vector<FixRow>& rows);
  void settle(PgSession& session, Batch& batch, const std::vector<FixRow>& rows,
              std::vector<RowChange>& changes, size_t first, size_t last);
  void check_place(Batch& batch, const FixRow& row, RowChange& change);

  const FixTable& table_;
  std::shared_ptr<const PlanShape> shape_;
  std::unique_ptr<Plan> plan_;
  std::unique_ptr<RowHook> hook_;
  std::vector<uint8_t> written_;  // row by row: whether the hook wrote a field
};

}  // namespace lugger
