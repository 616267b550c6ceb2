// Compares the rows of a group of buckets exactly: keeps the digests of the source's rows, and
// matches the target's rows with them as they are read.
#pragma once
#include <functional>
#include <mutex>
#include <set>

#include "verify/buckets.hpp"
#include "verify/source_pass.hpp"
#include "verify/target_pass.hpp"
#include "verify/verdict.hpp"

namespace lugger {

/// A source row that waits for its match in the target.
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
  bool alone = false;  // no key, or NULL in it: rows with equal keys are different rows
};
static_assert(kGroupRows * sizeof(SourceEntry) <= 64 << 20);

/// A row that a document of the source makes in one of its own tables.
struct OwnRow {
  uint64_t order = 0;  // of the document
  uint32_t table = 0;
  uint32_t place = 0;  // as in Turn
  uint64_t id = 0;     // as in Turn
  auto operator<=>(const OwnRow&) const = default;
};

/// A wrong row, with enough data to find it again on both sides.
struct Mismatch {
  FindingKind kind = FindingKind::kMissing;
  uint32_t table = 0;
  Digest root, key;
  Digest source_row, target_row;
  // Of the row that should exist.
  Turn turn;
  // What a repair must write: the right row, or its parent. Several rows where only the server can
  // tell which is the newest.
  std::vector<OwnRow> own;
  // kExtra: the source has the document of this row.
  bool known = false;
  // kExtra: the source has that document, and the mapping or the load refused it.
  bool refused = false;
  // kExtra: the source has this key, and the target has it more than once.
  bool doubled = false;
  // True when the row is shown with all its values.
  bool show = false;
  // True when the row became equal, or disappeared, in a later check.
  bool settled = false;
  // One value for each key column; empty until it was looked up.
  std::vector<std::optional<std::string>> key_text;
  // True when reading by its key does not find the row: it is not checked again.
  bool fickle = false;
  // The target's values as text, for rows that are shown.
  std::vector<std::optional<std::string>> target;
  // Digests of the target's columns, to find out which columns differ.
  std::vector<Digest> target_columns;
};

/// The buckets that a group compares; with --where also the rows in them that may matter.
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
  /// Called for each wrong row, under a lock, with the target's row when there is one.
  using Found = std::function<void(Mismatch&&, const TargetRow*)>;
  Group(VerifyContext& context, const GroupFilter& filter, std::vector<TableVerdict>& tables,
        Found found)
      : context_(context), filter_(filter), tables_(tables), found_(std::move(found)) {}

  void run(RowSnapshot& snapshot);
  /// Documents that a load refused once, and whose rows are in the target all the same.
  size_t loaded_since() const noexcept { return loaded_since_.size(); }

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
  std::vector<std::pair<Digest, uint64_t>> losers_;  // replaced by another of the same key
  std::set<uint64_t> loaded_since_;                  // the order of each, as in Turn
  std::set<Digest> newer_roots_;  // documents of which the target has a newer row
  std::mutex mutex_;
};

}  // namespace lugger
