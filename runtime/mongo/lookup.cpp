#include "mongo/lookup.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "change/id_key.hpp"
#include "mongo/command.hpp"
#include "mongo/cursor.hpp"
#include "mongo/retry.hpp"
#include "mongo/scan_query.hpp"

namespace lugger {
namespace {

constexpr size_t kMostKeys = 1000;
constexpr int32_t kInvalidOptions = 72;   // the member has not heard of the time to read behind
constexpr size_t kAnswerBytes = 1 << 20;  // what a question should bring

std::string key_text(Bytes document, ByteBuffer& scratch) {
  if (!make_id_key(bson_field(document, "_id"), scratch))
    throw Error(Code::kRead, "a key of a change is no _id", "report this with the event");
  return std::string(scratch.text());
}

void take_back(Batch& batch, size_t documents, size_t bytes) {
  batch.documents.resize(documents);
  batch.operations.resize(std::min(batch.operations.size(), documents));
  batch.source_bytes = bytes;
}

}  // namespace

void give_change(Batch& batch, Bytes document, Operation operation) {
  batch.operations.resize(batch.documents.size(), Operation::kUpsert);
  batch.operations.push_back(operation);
  batch.documents.push_back(Document{batch.arena().copy(document),
                                     static_cast<uint32_t>(document.size()), Format::kBson,
                                     nullptr});
  batch.source_bytes += document.size();
}

MongoLookup::MongoLookup(const ScanPlace& place)
    : place_(place), client_(AllowedUrl(place.url), place.purpose) {}

void MongoLookup::run(std::span<const Bytes> keys, uint64_t time, Batch& batch) {
  while (!keys.empty()) {
    const size_t count = std::min(keys.size(), most_);
    ask(keys.first(count), time, batch);
    keys = keys.subspan(count);
  }
}

/// True when the collection was dropped, renamed or made anew: that nothing is found in it says
/// nothing of its documents. Its event comes behind those of the keys, and stops whoever follows.
bool MongoLookup::is_gone() {
  const MongoCollection& known = place_.collection;
  if (known.uuid.empty()) return false;
  const auto found = list_collections(client_, known.database, known.name);
  return found.empty() || found.front().uuid != known.uuid;
}

/// All of the keys, or none: an answer that broke off is asked for again.
void MongoLookup::ask(std::span<const Bytes> keys, uint64_t time, Batch& batch) {
  const size_t documents = batch.documents.size(), bytes = batch.source_bytes;
  bool told = false;
  for (int attempt = 0;; ++attempt) {
    try {
      MongoCommand command("find", place_.collection.name);
      command.begin("filter").begin("_id").begin_array("$in");
      for (const Bytes key : keys) command.push(bson_field(key, "_id"));
      command.end().end();
      add_where(command, place_);
      command.end();
      add_read_concern(command, place_.deployment, time);
      std::unordered_set<std::string> found;
      MongoCursor cursor(client_, place_.collection.database, client_.pick());
      cursor.open(command.done());
      for (;;) {
        for (Bytes document; cursor.next(document);) {
          found.insert(key_text(document, scratch_));
          give_change(batch, document, Operation::kUpsert);
        }
        if (!cursor.more()) break;
        cursor.fetch();
      }
      const size_t each = (batch.source_bytes - bytes) / std::max<size_t>(1, found.size());
      most_ = std::clamp<size_t>(kAnswerBytes / std::max<size_t>(1, each), 1, kMostKeys);
      if (found.size() < keys.size() && is_gone()) return take_back(batch, documents, bytes);
      for (const Bytes key : keys)
        if (!found.contains(key_text(key, scratch_))) give_change(batch, key, Operation::kDelete);
      return;
    } catch (const MongoFault& fault) {
      take_back(batch, documents, bytes);
      if (fault.number() == kInvalidOptions && !std::exchange(told, true)) {
        look_at_deployment(client_);  // the driver hears of the time, and tells the member
        continue;
      }
      if (!fault.passes() || attempt == kMongoAttempts) throw;
      wait_before(attempt);
    }
  }
}

}  // namespace lugger
