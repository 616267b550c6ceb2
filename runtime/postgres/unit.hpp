// The documents of one commit unit: the batches as they came, and which of their rows are to be
// loaded.
#pragma once
#include <vector>

#include "plan/batch.hpp"

namespace lugger {

/// Documents are numbered through the unit. Batches are borrowed until clear().
class UnitDocuments {
 public:
  void add(Batch& batch);
  void clear() noexcept;
  size_t size() const noexcept { return load_.size(); }

  bool loads(size_t document) const noexcept { return load_[document] == kLoad; }
  /// Leaves a document out of what is loaded: the server refused it.
  void exclude(size_t document) noexcept {
    if (load_[document] == kLoad) load_[document] = kExcluded;
  }
  /// Takes back what exclude() did.
  void include_all() noexcept;
  const Document& document(size_t number) const;
  Batch& batch(size_t number) const { return *batches_[batch_of(number)].batch; }

  /// Calls use(values, number) for each row of a table that is to be loaded, of documents in
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
  /// The document of the n-th (from 1) row of a table among those each_row() gives; size(): there
  /// are fewer.
  size_t document_of_row(size_t table, size_t first, size_t last, uint64_t row) const;
  /// A row of the document in a table, or null.
  const Value* row_of(size_t table, size_t document) const;

 private:
  static constexpr uint8_t kLeave = 0, kLoad = 1, kExcluded = 2;
  struct Part {
    Batch* batch;
    size_t first;
  };
  size_t batch_of(size_t number) const;
  std::vector<Part> batches_;
  std::vector<uint8_t> load_;
};

}  // namespace lugger
