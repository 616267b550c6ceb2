// The changes of one collection, grouped by _id: their effect on a document that was dumped before
// or during the changes.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "change/change.hpp"
#include "change/spill.hpp"

namespace lugger {

struct FoldSettings {
  std::string directory = spill_directory();
  size_t memory = 16 << 20;  // of each of three parts; what is more goes to files
  /// Documents that exist only in the oplog are given in order of insertion, and a replacement
  /// changes a document in place: for capped collections, where order matters.
  bool ordered = false;
};

/// kUpdates: the body is a list of updates for Fold::update(). kDocument: the document is whole.
/// kGone: it was deleted.
enum class Outcome : uint8_t { kUpdates, kDocument, kGone };
struct Folded {
  Outcome outcome = Outcome::kUpdates;
  Bytes body;
};

/// Looked into by any number of threads.
class Fold {
 public:
  /// The effect of the changes on the document with this key (make_id_key) and hash. nullopt: none.
  std::optional<Folded> find(Bytes key, uint64_t hash) const noexcept;

  /// Applies Folded::body of kUpdates; one of the buffers holds the result. Error{read} with the
  /// entry when an update cannot be applied.
  static Bytes update(Bytes document, Bytes updates, ByteBuffer& one, ByteBuffer& other,
                      std::string_view place);

  /// Documents that the oplog contains completely, one after another, following `after` (0: the
  /// first). Advances `after`; empty at the end.
  Bytes next_document(uint64_t& after) const noexcept;
  uint64_t keys() const noexcept { return keys_; }
  bool spilled() const noexcept { return data_.spilled(); }

  /// Updated documents for which find() was never called.
  struct Unmet {
    uint64_t documents = 0, entry = 0;  // entry: of the first update among them
  };
  Unmet unmet() const noexcept;

 private:
  friend class FoldBuilder;
  explicit Fold(const FoldSettings& settings)
      : data_(settings.directory, settings.memory), slots_(settings.directory, settings.memory) {}

  SpillBytes data_;   // per key: Outcome, key and body with their sizes
  SpillBytes slots_;  // (hash, 1 + place in data_) by hash, looked up without a directory
  int shift_ = 63;
  uint64_t keys_ = 0;
  std::vector<std::pair<uint64_t, uint64_t>> order_;  // ordered: entry of the insert, place
  bool ordered_ = false;
  std::unique_ptr<std::atomic<uint64_t>[]> met_;  // a bit a slot: an updated document was found
};

/// Takes changes in order, then folds them.
class FoldBuilder {
 public:
  explicit FoldBuilder(FoldSettings settings, std::string place);
  ~FoldBuilder();
  FoldBuilder(const FoldBuilder&) = delete;
  FoldBuilder& operator=(const FoldBuilder&) = delete;

  /// Error{read} for a change without an _id.
  void add(const Change& change);
  Fold finish();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace lugger
