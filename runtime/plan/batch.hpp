// Documents on their way through: the batch a cursor fills, the rows the plan makes of it, and what
// was refused.
#pragma once
#include <string>
#include <vector>

#include "base/arena.hpp"
#include "plan/failure.hpp"
#include "plan/operation.hpp"
#include "value/document.hpp"

namespace lugger {

/// Rows of one table. Slots lie row by row, `width` to a row.
class RowSet {
 public:
  void shape(size_t width) { width_ = width; }
  void clear() noexcept { slots_.clear(), documents_.clear(), live_.clear(); }
  size_t rows() const noexcept { return documents_.size(); }
  size_t width() const noexcept { return width_; }
  Value* row(size_t i) noexcept { return slots_.data() + i * width_; }
  const Value* row(size_t i) const noexcept { return slots_.data() + i * width_; }
  /// The batch's document that row i came from.
  uint32_t document(size_t i) const noexcept { return documents_[i]; }
  /// A row dropped by a hook or routed elsewhere is not live.
  bool live(size_t i) const noexcept { return live_[i] != 0; }
  void drop(size_t i) noexcept { live_[i] = 0; }
  Value* add(uint32_t document) {
    documents_.push_back(document);
    live_.push_back(1);
    slots_.resize(slots_.size() + width_);
    return row(rows() - 1);
  }
  /// Takes back rows from `rows` on.
  void truncate(size_t rows) {
    documents_.resize(rows), live_.resize(rows), slots_.resize(rows * width_);
  }

 private:
  size_t width_ = 0;
  std::vector<Value> slots_;
  std::vector<uint32_t> documents_;
  std::vector<uint8_t> live_;
};

/// What is to become of a document. kDelete: of its rows; tables[0] has a row with its key.
/// kSkipDelete: a source of changes gave it and a hook skipped it, so that it has no rows: as kDelete,
/// and it counts as skipped where it had none. kLoadAlso: as kLoad, but other rows of it tell how it is counted: those in a batch of another
/// plan of the same unit.
enum class Fate : uint8_t { kLoad, kSkip, kReject, kDelete, kLoadAlso, kSkipDelete };

/// Why a document was refused. Column and table are indices into the plan; -1: the document as a
/// whole.
struct Refusal {
  uint32_t document = 0;
  int table = 0;
  int column = -1;
  Failure failure = Failure::kNone;
  Value value;  // the offending value, as it came
  /// Hooks and the server: their words; otherwise empty and described from the failure.
  std::string message;
};

class Batch {
 public:
  explicit Batch(Arena& arena) : arena_(&arena) {}

  Arena& arena() noexcept { return *arena_; }
  std::vector<Document> documents;
  std::vector<Operation> operations;  // one a document; empty: all are upserts
  std::vector<Fate> fates;            // one a document, once the plan has run
  std::vector<RowSet> tables;         // one a table of the plan
  RowSet unrouted;                // while a hook is called: rows of documents that no route takes
  std::vector<Refusal> refusals;  // of documents whose fate is kReject
  std::vector<std::pair<std::string, uint64_t>> skips;  // reason, documents
  std::vector<std::pair<uint32_t, size_t>> skipped;     // document, place of its reason in `skips`
  uint64_t source_bytes = 0;
  bool of_script = false;  // its documents are rows that a script made: no source gives them again
  uint32_t max_documents = 1000;  // the cursor stops here
  size_t max_bytes = 1 << 20;     // or here

  Operation operation(size_t document) const noexcept {
    return operations.empty() ? Operation::kUpsert : operations[document];
  }

  /// Refuses a document; the first refusal of a document is the one kept.
  void refuse(Refusal refusal) {
    if (fates[refusal.document] == Fate::kReject) return;
    fates[refusal.document] = Fate::kReject;
    refusals.push_back(std::move(refusal));
  }
  /// A hook's wish; counted by its reason.
  void skip(uint32_t document, std::string_view reason) {
    if (fates[document] != Fate::kLoad) return;
    fates[document] = Fate::kSkip;
    size_t place = 0;
    while (place < skips.size() && skips[place].first != reason) ++place;
    if (place == skips.size()) skips.emplace_back(reason, 0);
    ++skips[place].second;
    skipped.emplace_back(document, place);
  }
  void clear() noexcept {
    documents.clear(), operations.clear(), fates.clear(), refusals.clear(), skips.clear();
    skipped.clear();
    for (RowSet& set : tables) set.clear();
    unrouted.clear();
    source_bytes = 0;
    ++generation_;
  }
  /// Changes at every clear(): views made before it are stale.
  uint64_t generation() const noexcept { return generation_; }

 private:
  Arena* arena_;
  uint64_t generation_ = 1;
};

}  // namespace lugger
