// Documents by their keys, as they are now.
#pragma once
#include <span>

#include "mongo/scan.hpp"

namespace lugger {

/// Appends the documents with these keys to the batch, as they are at `time` or later, and deletes
/// for keys that have no document that is meant; nothing when the collection itself is gone. A key is
/// {"_id": ...} as BSON.
class MongoLookup {
 public:
  explicit MongoLookup(const ScanPlace& place);
  void run(std::span<const Bytes> keys, uint64_t time, Batch& batch);
  /// How many keys to ask for at once, by the size of the documents that came before.
  size_t at_once() const noexcept { return most_; }

 private:
  void ask(std::span<const Bytes> keys, uint64_t time, Batch& batch);
  bool is_gone();

  const ScanPlace& place_;
  MongoClient client_;
  size_t most_ = 100;
  ByteBuffer scratch_;
};

/// One document with what became of it.
void give_change(Batch& batch, Bytes document, Operation operation);

}  // namespace lugger
