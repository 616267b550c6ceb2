#include "engine/stale.hpp"

#include "base/arena.hpp"
#include "value/keep.hpp"

namespace lugger {

uint64_t count_stale(State& state, Target& target, const std::shared_ptr<const PlanShape>& shape,
                     const std::string& job) {
  constexpr size_t kMost = 10'000, kAtOnce = 500;
  Arena arena;
  Batch keys(arena);
  Plan plan(shape, false);
  KeptDocuments kept;
  uint64_t stale = 0;
  size_t looked_at = 0;
  const auto look = [&] {
    if (keys.documents.empty()) return;
    keys.operations.assign(keys.documents.size(), Operation::kDelete);
    plan.run(keys, nullptr);
    stale += target.standing(*shape, keys);
    keys.clear();
    arena.reset();
  };
  state.each_reject(job, [&](const RejectRecord& reject) {
    if (const auto document = kept.read(as_bytes(reject.raw), arena))
      keys.documents.push_back(*document);
    if (keys.documents.size() == kAtOnce) look();
    return ++looked_at < kMost;
  });
  look();
  return stale;
}

}  // namespace lugger
