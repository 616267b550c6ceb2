// Finds the keys of documents that the mapping refuses: a row of the target with such a key belongs
// to that document, whatever its other values are.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "plan/plan.hpp"
#include "verify/row_digest.hpp"

namespace lugger {

/// Belongs to one worker.
class RefusedKeys {
 public:
  using Use = std::function<void(const ComparedTable&, const RowDigests&, uint32_t document)>;
  RefusedKeys(const PlanShape& shape, const std::vector<ComparedTable>& tables);

  /// Calls `use` with the key of each refused document of a planned batch, for every own table that
  /// it may belong to. Leaves out documents whose `passed_over` is set. Returns the number of
  /// documents whose key is unknown.
  uint64_t find(Batch& batch, const std::vector<uint8_t>& passed_over, RowDigester& digester,
                const Use& use);

 private:
  void use_made_rows(const Batch& batch, RowDigester& digester, const Use& use);
  void use_key(uint32_t row, uint32_t document, RowDigester& digester, const Use& use);

  const std::vector<ComparedTable>& tables_;
  std::unique_ptr<Plan> keys_;  // a mapping of the key columns only; null: no key can be known
  Arena arena_;
  Batch refused_;
  std::vector<uint32_t> numbers_;  // of refused_'s documents in the batch
  std::vector<uint8_t> known_;     // for each document of the batch: its keys are complete
};

}  // namespace lugger
