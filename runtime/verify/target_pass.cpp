#include "verify/target_pass.hpp"

namespace lugger {

TargetPass::TargetPass(VerifyContext& context, RowSnapshot& snapshot, bool own, bool children)
    : context_(context) {
  context.target_rows = 0;  // what is displayed is of one pass
  for (const ComparedTable& table : context.comparison.tables) {
    if (!(table.own ? own : children)) continue;
    for (RowPart& part : snapshot.parts(table.table, context.options.where))
      parts_.push_back(std::move(part));
  }
}

std::optional<RowPart> TargetPass::claim() {
  const std::lock_guard lock(mutex_);
  if (next_ == parts_.size()) return std::nullopt;
  return parts_[next_++];
}

}  // namespace lugger
