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
  /// What commit() would add.
  Counts pending(const Counts& grown) const {
    Counts out;
    const auto of = [](const Counts& counts, const std::string& name) {
      const auto found = counts.find(name);
      return found == counts.end() ? 0 : found->second;
    };
    for (const auto& [name, count] : grown) {
      const uint64_t added = count - of(rolled_back_, name) - of(committed_, name);
      if (added != 0) out[name] = added;
    }
    return out;
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
