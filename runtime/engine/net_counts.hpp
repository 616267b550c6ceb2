// Counts of documents read, without those of units that were rolled back and are read again.
#pragma once
#include <cstdint>
#include <map>
#include <string>

namespace lugger {

class NetCounts {
 public:
  using Counts = std::map<std::string, uint64_t>;

  /// `grown`: everything counted so far, rolled back or not.
  void commit(const Counts& grown) {
    for (const auto& [name, count] : grown) committed_[name] = count - rolled_back_[name];
  }
  void rollback(const Counts& grown) {
    for (const auto& [name, count] : grown) rolled_back_[name] = count - committed_[name];
  }
  void add_to(Counts& sum) const {
    for (const auto& [name, count] : committed_) {
      if (count != 0) sum[name] += count;
    }
  }

 private:
  Counts committed_, rolled_back_;
};

}  // namespace lugger
