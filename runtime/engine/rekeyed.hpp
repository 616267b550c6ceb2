// Rows that a hook gave other keys than their documents have, where documents are deleted by key.
#pragma once
#include <memory>
#include <vector>

#include "plan/plan.hpp"

namespace lugger {

struct RunShared;

/// Whether the run applies the changes of its source, or is the copy before such a run.
bool is_followed(RunShared& shared);

/// For one worker.
class KeyCheck {
 public:
  explicit KeyCheck(std::shared_ptr<const PlanShape> shape) : keys_(std::move(shape)) {}
  /// Refuses the documents with such rows, once the hook was applied: all that is told of a delete
  /// is the document's own key, so these rows would stay for good.
  void refuse_rekeyed(Batch& batch);

 private:
  Plan keys_;
};

}  // namespace lugger
