// The keys of documents that the mapping refuses: a row of the target that has one of them is no
// stranger, whatever it holds.
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

  /// Calls `use` with the key of each refused document of a batch that has been planned, for every
  /// own table it may belong to. Documents whose `passed_over` is set do not count. Gives the
  /// number of those whose key is not known.
  uint64_t find(Batch& batch, const std::vector<uint8_t>& passed_over, RowDigester& digester,
                const Use& use);

 private:
  void use_made_rows(const Batch& batch, RowDigester& digester, const Use& use);
  void use_key(uint32_t row, uint32_t document, RowDigester& digester, const Use& use);

  const std::vector<ComparedTable>& tables_;
  std::unique_ptr<Plan> keys_;  // a mapping of the key's columns alone; null: no key can be known
  Arena arena_;
  Batch refused_;
  std::vector<uint32_t> numbers_;  // of refused_'s documents in the batch
  std::vector<uint8_t> known_;     // one a document of the batch: nothing is left to find
};

}  // namespace lugger
