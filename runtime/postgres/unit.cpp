#include "postgres/unit.hpp"

#include <algorithm>

namespace lugger {

void UnitDocuments::add(Batch& batch) {
  batches_.push_back({&batch, acts_.size()});
  for (size_t i = 0; i < batch.documents.size(); ++i) {
    const Fate fate = i < batch.fates.size() ? batch.fates[i] : Fate::kSkip;
    acts_.push_back(act_of(fate));
    has_deletes_ = has_deletes_ || (acts_.back() & kDelete) != 0;
  }
}

uint8_t UnitDocuments::act_of(Fate fate) noexcept {
  switch (fate) {
    case Fate::kLoad: return kLoad;
    case Fate::kLoadAlso: return kLoad | kElsewhere;
    case Fate::kDelete: return kDelete;
    case Fate::kSkipDelete: return kDelete | kSkipped;
    default: return kLeave;
  }
}

void UnitDocuments::clear() noexcept {
  batches_.clear();
  acts_.clear();
  all_steps();
  has_deletes_ = false;
}

void UnitDocuments::include_all() noexcept {
  for (uint8_t& act : acts_) act &= static_cast<uint8_t>(~kExcluded);
}

size_t UnitDocuments::batch_of(size_t number) const {
  const auto after = std::upper_bound(batches_.begin(), batches_.end(), number,
                                      [](size_t n, const Part& part) { return n < part.first; });
  return static_cast<size_t>(after - batches_.begin()) - 1;
}

const Document& UnitDocuments::document(size_t number) const {
  const Part& part = batches_[batch_of(number)];
  return part.batch->documents[number - part.first];
}

size_t UnitDocuments::document_of_row(size_t table, size_t first, size_t last, uint64_t row) const {
  size_t found = size();
  uint64_t seen = 0;
  each_row(table, first, last, [&](const Value*, size_t number) {
    if (++seen == row) found = number;
  });
  return found;
}

const Value* UnitDocuments::row_of(size_t table, size_t document) const {
  const Value* found = nullptr;
  each_row(table, document, document + 1, [&](const Value* row, size_t) {
    if (found == nullptr) found = row;
  });
  return found;
}

}  // namespace lugger
