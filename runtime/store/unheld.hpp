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

class RowEncoder;

/// Belongs to one worker.
class UnheldValues {
 public:
  explicit UnheldValues(const TablePlan& table);

  /// Some column's on_error replaces what the store cannot hold.
  static bool any(const TablePlan& table) noexcept;
  /// Appends the object of the row, in which values that the store cannot hold are now NULL or the
  /// default, as on_error says. A failure leaves `out` as it was. Throws where on_error says so.
  Failure append(RowEncoder& encoder, Value* row, int& column, ByteBuffer& out);
  /// "table.column" -> values that were replaced.
  std::map<std::string, uint64_t> counts() const;

 private:
  bool replace(Value* row, int column, Failure failure);

  const TablePlan& table_;
  Arena arena_{1024};
  std::vector<Value> defaults_;
  std::vector<uint64_t> replaced_;  // a column
};

}  // namespace lugger
