#include "engine/outdated.hpp"

#include <algorithm>
#include <unordered_map>

namespace lugger {

static bool key_is_id(const PlanShape& shape) {
  const TablePlan& table = shape.tables()[0];
  if (table.key.size() != 1 || shape.mapping().on_conflict != OnConflict::kUpdate) return false;
  const Column& key = table.columns[table.key[0]];
  if (key.computed) return false;
  return key.generate == Column::Generate::kV5 ||
         (key.generate == Column::Generate::kNone && key.from == "_id");
}

void leave_out_outdated(std::span<const std::unique_ptr<Batch>> batches, const PlanShape& shape,
                        UnitRecord& unit) {
  if (unit.rejects.empty() || unit.documents || !key_is_id(shape)) return;
  const size_t from = std::ranges::min(unit.rejects, {}, &RejectRecord::place).place;
  std::unordered_map<std::string, size_t> last;
  size_t place = 0;
  for (const std::unique_ptr<Batch>& batch : batches) {
    for (size_t i = 0; i < batch->documents.size(); ++i, ++place) {
      if (place > from && batch->fates[i] == Fate::kLoad)
        last[document_id(batch->documents[i], shape.mapping())] = place;
    }
  }
  const size_t outdated = std::erase_if(unit.rejects, [&](const RejectRecord& reject) {
    const auto found = last.find(reject.document_id);
    return found != last.end() && found->second > reject.place;
  });
  unit.tally.rejected -= outdated;
  unit.tally.skipped += outdated;
}

}  // namespace lugger
