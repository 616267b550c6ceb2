// Values that a column reads and the store cannot hold: on_error is asked as for those that no
// column reads.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/arena.hpp"
#include "plan/failure.hpp"
#include "plan/plan.hpp"

namespace lugger {

/// Belongs to one worker.
class UnheldValues {
 public:
  explicit UnheldValues(const TablePlan& table);

  /// Some column's on_error replaces what the store cannot hold.
  static bool any(const TablePlan& table) noexcept;
  /// The store refused the row for this column (-1: none). True: the column's value is now NULL or
  /// the default, as on_error says; the row is to be tried again. Throws where on_error says so.
  bool replace(Value* row, int column, Failure failure);
  /// "table.column" -> values that were replaced.
  std::map<std::string, uint64_t> counts() const;

 private:
  const TablePlan& table_;
  Arena arena_{1024};
  std::vector<Value> defaults_;
  std::vector<uint64_t> replaced_;  // a column
};

}  // namespace lugger
