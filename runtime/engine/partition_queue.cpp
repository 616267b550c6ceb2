#include "engine/partition_queue.hpp"

#include <algorithm>
#include <chrono>

namespace lugger {

void PartitionQueue::add(PartitionRecord partition) {
  const auto place = std::upper_bound(
      waiting_.begin(), waiting_.end(), partition.phase,
      [](int phase, const PartitionRecord& waiting) { return phase < waiting.phase; });
  waiting_.insert(place, std::move(partition));
}

std::optional<PartitionRecord> PartitionQueue::claim(const StopFlag& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (next_ == waiting_.size() || stop.requested()) return std::nullopt;
    const int phase = waiting_[next_].phase;
    if (at_work_ == 0 && !left_undone_) phase_ = phase;
    if (phase == phase_) break;
    if (left_undone_) return std::nullopt;
    // A stop does not notify this condition variable.
    changed_.wait_for(lock, std::chrono::milliseconds(50));
  }
  ++at_work_;
  return waiting_[next_++];
}

void PartitionQueue::give_back(bool done) {
  const std::lock_guard lock(mutex_);
  --at_work_;
  left_undone_ = left_undone_ || !done;
  changed_.notify_all();
}

}  // namespace lugger
