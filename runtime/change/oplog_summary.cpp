#include "change/oplog_summary.hpp"

#include "change/oplog_walk.hpp"

namespace lugger {

OplogSummary summarise_oplog(const OpenOplog& open, const std::string& place) {
  OplogSummary out;
  for (bool again = true; again;) {
    OplogReader reader(open(), place);
    OplogWalk walk(reader, out.void_entries, {});
    walk.run();
    const std::vector<uint64_t> uncommitted = walk.uncommitted();
    again = !uncommitted.empty();
    out.void_entries.insert(uncommitted.begin(), uncommitted.end());
    out.open_transactions += walk.open_transactions();
    out.entries = walk.entries();
    out.bytes = reader.bytes();
    out.first = walk.first();
    out.last = walk.last();
    out.ignored = walk.ignored();
    out.lineages = std::move(walk.namespaces().lineages());
    out.dropped_databases = walk.namespaces().dropped_databases();
  }
  for (const Lineage& lineage : out.lineages) out.changes += lineage.changes();
  return out;
}

void walk_changes(const OpenOplog& open, const std::string& place, const OplogSummary& summary,
                  size_t lineage, const std::function<void(const Change&)>& take) {
  OplogReader reader(open(), place);
  const uint64_t from = summary.lineages[lineage].empty_at;
  OplogWalk walk(reader, summary.void_entries, [&](size_t found, const Change& change) {
    if (found == lineage && change.entry > from) take(change);
  });
  walk.run();
}

void walk_changes(const OpenOplog& open, const std::string& place, const OplogSummary& summary,
                  const std::function<void(const Change&)>& take) {
  OplogReader reader(open(), place);
  OplogWalk walk(reader, summary.void_entries, [&](size_t, const Change& change) { take(change); });
  walk.run();
}

}  // namespace lugger
