#include "engine/rehearse.hpp"

#include <algorithm>

#include "engine/rejects.hpp"
#include "place/whole.hpp"

namespace lugger {

namespace {

constexpr size_t kExamples = 3;

void note(const Refusal& refusal, Batch& batch, const PlanShape& shape, Rehearsal& out) {
  const TablePlan& table = shape.tables()[static_cast<size_t>(refusal.table)];
  const std::string column =
      refusal.column < 0 ? std::string() : table.columns[static_cast<size_t>(refusal.column)].name;
  const std::string_view code = refusal_code(refusal);
  auto at = std::find_if(out.refusals.begin(), out.refusals.end(), [&](const auto& known) {
    return known.table == table.name && known.column == column && known.code == code;
  });
  if (at == out.refusals.end()) {
    out.refusals.push_back(
        {table.name, column, std::string(code), describe_refusal(refusal, shape), 0, {}});
    at = out.refusals.end() - 1;
  }
  ++at->documents;
  if (at->examples.size() < kExamples)
    at->examples.push_back(document_id(batch.documents[refusal.document], shape.mapping()));
}

}  // namespace

Rehearsal rehearse(Job& job, uint64_t limit, const StopFlag* stop) {
  const std::shared_ptr<const PlanShape> shape = job.shape();
  Plan plan(shape);
  Arena arena;
  Batch batch(arena);
  Rehearsal out;
  const std::unique_ptr<Cursor> cursor = open_whole(job.source());
  for (; cursor->fill(batch, or_never(stop)); batch.clear(), arena.reset()) {
    plan.run(batch, nullptr);
    out.documents += batch.documents.size();
    out.rejected += batch.refusals.size();
    for (const Refusal& refusal : batch.refusals) note(refusal, batch, *shape, out);
    out.complete = !(stop != nullptr && stop->requested()) && (limit == 0 || out.documents < limit);
    if (!out.complete) break;
  }
  out.unmapped = plan.unmapped();
  return out;
}

}  // namespace lugger
