// One pass over an oplog: resolves transactions, applies commands to names, passes on changes.
#pragma once
#include <functional>
#include <map>
#include <unordered_set>
#include <vector>

#include "change/change.hpp"
#include "change/namespaces.hpp"
#include "change/oplog_entry.hpp"

namespace lugger {

class OplogWalk {
 public:
  using Take = std::function<void(size_t lineage, const Change&)>;
  /// void_entries: entries of transactions that were never committed; they are skipped.
  OplogWalk(OplogReader& reader, const std::unordered_set<uint64_t>& void_entries, Take take)
      : reader_(reader), void_entries_(void_entries), take_(std::move(take)) {}

  void run();

  Namespaces& namespaces() noexcept { return namespaces_; }
  uint64_t entries() const noexcept { return entries_; }
  uint64_t first() const noexcept { return first_; }
  uint64_t last() const noexcept { return last_; }
  /// Entries of transactions that were aborted, or not committed at the end of the oplog. If there
  /// are any, the walk has passed on changes that it should not have: walk again and skip them.
  std::vector<uint64_t> uncommitted() const;
  uint64_t open_transactions() const noexcept { return open_.size(); }
  const std::map<std::string, uint64_t>& ignored() const noexcept { return ignored_; }

 private:
  void operation(const OplogEntry& entry, int depth);
  void change(const OplogEntry& entry);
  void command(const OplogEntry& entry, int depth);
  bool names_command(const OplogEntry& entry, std::string_view name);
  void unknown_command(const OplogEntry& entry, std::string_view name);
  void rename(const OplogEntry& entry);
  void apply_operations(const OplogEntry& entry, int depth);
  bool is_transaction(const OplogEntry& entry) const;
  void follow_transaction(const OplogEntry& entry, std::string_view name);
  std::string collection_of(const OplogEntry& entry) const;
  std::string when() const;

  OplogReader& reader_;
  const std::unordered_set<uint64_t>& void_entries_;
  Take take_;
  Namespaces namespaces_;
  uint64_t entries_ = 0, first_ = 0, last_ = 0;
  std::map<std::string, std::vector<uint64_t>> open_;  // session and number -> entries so far
  std::vector<uint64_t> aborted_;
  std::map<std::string, uint64_t> ignored_;
};

}  // namespace lugger
