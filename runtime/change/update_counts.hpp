// Which fields an oplog updates, and how often: the frequently written fields.
#pragma once
#include <map>
#include <string>

#include "change/oplog_summary.hpp"

namespace lugger {

struct UpdateCounts {
  struct Collection {
    uint64_t inserts = 0, replacements = 0, updates = 0, deletes = 0;
    /// Updates that touched a path: "status", "address.city", "lines[].price".
    std::map<std::string, uint64_t> paths;
    uint64_t other_paths = 0;  // beyond the limit of paths
  };
  std::map<std::string, Collection, std::less<>> collections;  // "database.collection"

  void add(const Change& change);
};

/// A pass over the whole oplog.
UpdateCounts count_updates(const OpenOplog& open, const std::string& place);

}  // namespace lugger
