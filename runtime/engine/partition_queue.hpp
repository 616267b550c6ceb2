// The partitions of a run that one process loads alone.
#pragma once
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "base/stop.hpp"
#include "place/source.hpp"
#include "place/state.hpp"

namespace lugger {

/// A partition as its source gave it.
inline Partition part_of(const PartitionRecord& record) {
  return {record.id, record.spec, record.bytes, record.start, record.phase};
}

/// Partitions waiting to be claimed, phase by phase. The one queue there is; a worker claims, nobody
/// assigns.
class PartitionQueue {
 public:
  /// Before the first is claimed. Those of a phase are claimed in the order in which they came.
  void add(PartitionRecord partition);
  /// Waits for those of an earlier phase that others are at work on. Nothing: none is left, or none
  /// may be begun any more.
  std::optional<PartitionRecord> claim(const StopFlag& stop);
  /// Once for each that was claimed. Behind one that is not done no later phase begins.
  void give_back(bool done);
  size_t size() const noexcept { return waiting_.size(); }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<PartitionRecord> waiting_;
  size_t next_ = 0, at_work_ = 0;
  int phase_ = 0;  // of those at work
  bool left_undone_ = false;
};

}  // namespace lugger
