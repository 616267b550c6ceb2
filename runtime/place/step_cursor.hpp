// What all cursors share: the limits of the batch, and an error that is held back until the
// documents before it have been given.
#pragma once
#include <exception>

#include "place/source.hpp"

namespace lugger {

class StepCursor : public Cursor {
 public:
  Next next(Batch& batch, const StopFlag&) final {
    if (fault_) std::rethrow_exception(fault_);
    const size_t before = batch.documents.size();
    try {
      start();
      do {
        if (!step(batch)) break;
      } while (batch.documents.size() < batch.max_documents &&
               batch.source_bytes < batch.max_bytes);
    } catch (...) {
      fault_ = std::current_exception();
      if (batch.documents.size() == before) throw;
    }
    return batch.documents.size() != before ? Next::kBatch : Next::kEnd;
  }

 protected:
  /// Called once for each batch, before its first document.
  virtual void start() {}
  /// Appends one document. False: there are no more; further calls return false too.
  virtual bool step(Batch& batch) = 0;

  static void give(Batch& batch, const uint8_t* data, uint32_t size) {
    batch.documents.push_back(Document{data, size, Format::kBson, nullptr});
    batch.source_bytes += size;
  }

 private:
  std::exception_ptr fault_;
};

}  // namespace lugger
