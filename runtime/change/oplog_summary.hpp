// What a first pass over an oplog finds out before its changes are applied, and the pass itself.
#pragma once
#include <functional>
#include <map>
#include <unordered_set>

#include "change/change.hpp"
#include "change/namespaces.hpp"
#include "change/oplog_entry.hpp"

namespace lugger {

struct OplogSummary {
  uint64_t entries = 0, bytes = 0;
  uint64_t first = 0, last = 0;  // times
  uint64_t changes = 0;          // of documents, in transactions included
  uint64_t open_transactions = 0;
  std::vector<Lineage> lineages;
  std::vector<std::string> dropped_databases;
  std::unordered_set<uint64_t> void_entries;  // of transactions that were never committed
  std::map<std::string, uint64_t> ignored;    // commands that change neither documents nor indexes
};

/// Reads all of it. Error{read} for what cannot be replayed, with entry and offset.
OplogSummary summarise_oplog(const OpenOplog& open, const std::string& place);

/// The changes of one lineage, in their order.
void walk_changes(const OpenOplog& open, const std::string& place, const OplogSummary& summary,
                  size_t lineage, const std::function<void(const Change&)>& take);

/// Every change of every collection, under the name it had then.
void walk_changes(const OpenOplog& open, const std::string& place, const OplogSummary& summary,
                  const std::function<void(const Change&)>& take);

}  // namespace lugger
