// The partitions of a run that a single process loads.
#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "base/stop.hpp"
#include "place/source.hpp"
#include "place/state.hpp"

namespace lugger {

/// The partition as its source made it.
inline Partition part_of(const PartitionRecord& record) {
  return {record.id, record.spec, record.bytes, record.start, record.phase};
}

/// Partitions that wait to be claimed, phase by phase. It is the only queue: workers claim
/// partitions, nobody assigns them.
class PartitionQueue {
 public:
  /// Call this before the first claim. Within a phase, partitions are claimed in the order in which
  /// they were added.
  void add(PartitionRecord partition);
  /// Waits while other workers still work on partitions of an earlier phase. nullopt: no partition
  /// is left, or none may be begun any more.
  std::optional<PartitionRecord> claim(const StopFlag& stop);
  /// Call this once for each claimed partition. When one is not done, no later phase begins.
  void give_back(bool done);
  size_t size() const noexcept { return waiting_.size(); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<PartitionRecord> waiting_;
  size_t next_ = 0, at_work_ = 0;
  int phase_ = 0;  // of the partitions being loaded
  bool left_undone_ = false;
};

}  // namespace lugger
