// The documents of one commit unit: its batches in order, and what is to be done with each
// document.
#pragma once
#include <vector>

#include "plan/batch.hpp"

namespace lugger {

/// Documents are numbered across the unit. The batches must live until clear().
class UnitDocuments {
 public:
  void add(Batch& batch);
  void clear() noexcept;
  size_t size() const noexcept { return acts_.size(); }

  /// True when its rows are to be loaded.
  bool loads(size_t document) const noexcept {
    return (acts_[document] & ~kElsewhere) == kLoad && in_step(document);
  }
  /// True when its rows are to be deleted.
  bool deletes(size_t document) const noexcept {
    return (acts_[document] & ~kSkipped) == kDelete && in_step(document);
  }
  /// True when a hook skipped the document: rows that it has are deleted.
  bool skips(size_t document) const noexcept { return (acts_[document] & kSkipped) != 0; }
  bool has_deletes() const noexcept { return has_deletes_; }
  /// True when the document is counted by the outcome of other rows of it, in another plan's unit.
  bool counted_elsewhere(size_t document) const noexcept {
    return (acts_[document] & kElsewhere) != 0;
  }
  /// Leaves out a document that the server refused.
  void exclude(size_t document) noexcept { acts_[document] |= kExcluded; }
  void include(size_t document) noexcept { acts_[document] &= static_cast<uint8_t>(~kExcluded); }
  /// Undoes exclude() for all documents.
  void include_all() noexcept;
  /// From here on only the documents of one step are loaded or deleted, until all_steps().
  void set_steps(std::vector<uint32_t> steps) { steps_ = std::move(steps); }
  void only_step(uint32_t step) noexcept { step_ = step; }
  void all_steps() noexcept { steps_.clear(); }

  const Document& document(size_t number) const;
  Batch& batch(size_t number) const { return *batches_[batch_of(number)].batch; }

  /// Calls use(values, number) for each row of a table that is to be loaded, for documents in
  /// [first, last).
  template <typename Use>
  void each_row(size_t table, size_t first, size_t last, Use&& use) const {
    for (const Part& part : batches_) {
      if (part.first >= last || part.first + part.batch->documents.size() <= first) continue;
      if (table >= part.batch->tables.size()) continue;
      const RowSet& rows = part.batch->tables[table];
      for (size_t i = 0; i < rows.rows(); ++i) {
        const size_t number = part.first + rows.document(i);
        if (number < first || number >= last || !rows.live(i) || !loads(number)) continue;
        use(rows.row(i), number);
      }
    }
  }
  /// The same for the keys of documents in [first, last) that are to be deleted: rows of table 0.
  template <typename Use>
  void each_deleted(size_t first, size_t last, Use&& use) const {
    for (const Part& part : batches_) {
      if (part.first >= last || part.first + part.batch->documents.size() <= first) continue;
      const RowSet& rows = part.batch->tables[0];
      for (size_t i = 0; i < rows.rows(); ++i) {
        const size_t number = part.first + rows.document(i);
        if (number >= first && number < last && rows.live(i) && deletes(number))
          use(rows.row(i), number);
      }
    }
  }
  /// The document of the n-th row (from 1) of a table, among those that each_row() gives; size():
  /// there are fewer rows.
  size_t document_of_row(size_t table, size_t first, size_t last, uint64_t row) const;
  /// A row of the document in a table, or null.
  const Value* row_of(size_t table, size_t document) const;

 private:
  static constexpr uint8_t kLeave = 0, kLoad = 1, kDelete = 2, kExcluded = 4, kElsewhere = 8,
                           kSkipped = 16;
  struct Part {
    Batch* batch;
    size_t first;
  };
  static uint8_t act_of(Fate fate) noexcept;
  size_t batch_of(size_t number) const;
  bool in_step(size_t document) const noexcept {
    return steps_.empty() || steps_[document] == step_;
  }
  std::vector<Part> batches_;
  std::vector<uint8_t> acts_;
  bool has_deletes_ = false;
  std::vector<uint32_t> steps_;  // empty: all documents are in the step
  uint32_t step_ = 0;
};

}  // namespace lugger
