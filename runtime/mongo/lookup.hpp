// Documents by their keys, as they are now.
#pragma once
#include <span>

#include "mongo/scan.hpp"

namespace lugger {

/// Appends to the batch deletes for keys that have no document that is meant, then the documents with
/// the others, as they are at `time` or later. In this order, because two ids may make one key of the
/// target: its row is that of the document that is there. A key is {"_id": ...} as BSON.
class MongoLookup {
 public:
  explicit MongoLookup(const ScanPlace& place);
  /// Of a collection that has another name by now, under that name. False, with nothing appended: it
  /// was dropped, or made anew. Its event comes behind those of the keys.
  bool run(std::span<const Bytes> keys, uint64_t time, Batch& batch);
  /// How many keys to ask for at once, by the size of the documents that came before.
  size_t at_once() const noexcept { return most_; }

 private:
  size_t ask(std::span<const Bytes> keys, uint64_t time, Batch& batch, size_t place);
  void ask_all(std::span<const Bytes> keys, uint64_t time, Batch& batch);
  /// The name that the collection has; nullopt: it is nowhere in its database.
  std::optional<std::string> name_now();

  const ScanPlace& place_;
  MongoClient client_;
  MongoCollection meant_;              // of the place, when it was asked last
  std::string name_;                   // that it has
  std::optional<MongoServer> server_;  // that answered last
  size_t most_ = 100;
  ByteBuffer scratch_;
};

/// One document with what became of it.
void give_change(Batch& batch, Bytes document, Operation operation);

}  // namespace lugger
