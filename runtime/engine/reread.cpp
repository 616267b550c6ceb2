#include "engine/reread.hpp"

#include <algorithm>

namespace lugger {
namespace {

// A batch is as large as a unit of the load.
constexpr uint64_t kBatchDocuments = 20000;
constexpr size_t kBatchBytes = 8 << 20;

}  // namespace

void reread(RunShared& shared, const std::function<void(Batch&)>& use) {
  Plan plan(shared.shape, static_cast<bool>(shared.job.spec.hook));
  shared.job.embed_with(plan, EmbedMode::kKept);
  const std::unique_ptr<RowHook> hook = shared.job.make_hook(shared.now);
  Arena arena;
  Batch batch(arena);
  for (const PartitionRecord& partition : shared.state->partitions(shared.run)) {
    uint64_t left = partition.tally.read;
    if (left == 0) continue;
    const std::unique_ptr<Cursor> cursor = shared.source->open(part_of(partition));
    while (left != 0) {
      if (shared.stop.requested())
        throw Error(Code::kInterrupted, "stopped while rows of one key were settled");
      batch.clear();
      arena.reset();
      batch.max_documents = static_cast<uint32_t>(std::min(left, kBatchDocuments));
      batch.max_bytes = kBatchBytes;
      if (!cursor->fill(batch, shared.stop)) break;
      left -= std::min<uint64_t>(left, batch.documents.size());
      plan.run(batch, hook.get());
      use(batch);
    }
  }
}

}  // namespace lugger
