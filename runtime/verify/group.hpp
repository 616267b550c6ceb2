// The exact answer for a group of buckets: source rows held by their digests, target rows matched
// against them as they come.
#pragma once
#include <functional>
#include <mutex>
#include <set>

#include "verify/buckets.hpp"
#include "verify/source_pass.hpp"
#include "verify/target_pass.hpp"
#include "verify/verdict.hpp"

namespace lugger {

/// A source row waiting for its counterpart.
struct SourceEntry {
  Digest root, key, row;
  Turn turn;
  uint32_t table = 0;
  enum class State : uint8_t {
    kWaiting,
    kEqual,
    kDifferent,
    kOlder,
    kDropped
  } state = State::kWaiting;
  Standing standing = Standing::kExpected;
  bool alone = false;  // no key, or NULL in it: equal keys are not the same row
};
static_assert(kGroupRows * sizeof(SourceEntry) <= 64 << 20);

/// A row that a document of the source makes in one of its own tables.
struct OwnRow {
  uint64_t order = 0;  // of the document
  uint32_t table = 0;
  uint32_t place = 0;  // as Turn's
  auto operator<=>(const OwnRow&) const = default;
};

/// A row found wrong: enough to find it again on both sides.
struct Mismatch {
  FindingKind kind = FindingKind::kMissing;
  uint32_t table = 0;
  Digest root, key;
  Digest source_row, target_row;
  // Of the row that should be there.
  Turn turn;
  // What a repair writes: the row that should be, or is, there, or the parent of it. Several where
  // only the server can tell which is the newest.
  std::vector<OwnRow> own;
  // kExtra: the source has that document.
  bool known = false;
  // kExtra: the source has it, and it was refused, by the mapping or the load.
  bool refused = false;
  // kExtra: the source has that key, the target has it more than once.
  bool doubled = false;
  // With all its values.
  bool show = false;
  // Became equal, or went, while it was watched.
  bool settled = false;
  // One a key column; empty until it was looked up.
  std::vector<std::optional<std::string>> key_text;
  // Reading by its key does not find it: it is not judged again.
  bool fickle = false;
  // Values as text, of those that are shown.
  std::vector<std::optional<std::string>> target;
  // To tell which columns differ.
  std::vector<Digest> target_columns;
};

/// Which buckets a group takes; for --where also which rows of them may matter.
struct GroupFilter {
  std::vector<uint8_t> buckets = std::vector<uint8_t>(kBuckets);
  const std::vector<std::atomic<uint64_t>>* roots = nullptr;  // a bit a hashed root; null: all

  bool takes(const Digest& root) const noexcept {
    return buckets[bucket_of(root)] != 0 && (roots == nullptr || has_root(root));
  }
  bool has_root(const Digest& root) const noexcept {
    const uint64_t bit = root.lo % (64 * roots->size());
    return ((*roots)[bit / 64].load(std::memory_order_relaxed) >> (bit % 64) & 1) != 0;
  }
};

class Group {
 public:
  /// Called for each row that is wrong, under a lock; with the target's row when there is one.
  using Found = std::function<void(Mismatch&&, const TargetRow*)>;
  Group(VerifyContext& context, const GroupFilter& filter, std::vector<TableVerdict>& tables,
        Found found)
      : context_(context), filter_(filter), tables_(tables), found_(std::move(found)) {}

  void run(RowSnapshot& snapshot);

 private:
  class Collector;
  class Matcher;
  using Entries = std::vector<SourceEntry>;
  using Range = std::pair<Entries::iterator, Entries::iterator>;
  void collect();
  void match(RowSnapshot& snapshot, bool own);
  void match_row(const TargetRow& row);
  SourceEntry* counterpart(Range range, const TargetRow& row);
  Range range(uint32_t table, const Digest& key);
  SourceEntry* expected(Range range, const Digest* target_row);
  OnConflict policy() const noexcept { return context_.shape->mapping().on_conflict; }
  bool is_beaten_at_home(Range range, const SourceEntry& entry) const;
  bool is_told(const SourceEntry& a, const SourceEntry& b) const;
  void settle(Range range, SourceEntry& chosen, SourceEntry::State state);
  void settle_rest(bool own);
  void drop_children();
  void report(FindingKind kind, const SourceEntry* entry, const TargetRow* row,
              bool doubled = false);
  std::vector<const SourceEntry*> standing(const Digest& key) const;
  void find_own(const SourceEntry& entry, Mismatch& mismatch);
  void find_document(Mismatch& mismatch) const;

  VerifyContext& context_;
  const GroupFilter& filter_;
  std::vector<TableVerdict>& tables_;
  Found found_;
  Entries entries_;
  std::vector<std::pair<Digest, uint64_t>> losers_;  // documents another of the same key replaced
  std::set<Digest> newer_roots_;                     // documents that the target has newer
  std::mutex mutex_;
};

}  // namespace lugger
