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

/// Moves what is behind `from` to a place before it. Returns how many these are.
size_t put_before(Batch& batch, size_t place, size_t from) {
  const size_t count = batch.documents.size() - from;
  const auto move = [&](auto& list) {
    const auto at = [&](size_t i) { return list.begin() + static_cast<std::ptrdiff_t>(i); };
    std::rotate(at(place), at(from), list.end());
  };
  if (count == 0) return 0;
  move(batch.documents);
  move(batch.operations);
  return count;
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

bool MongoLookup::run(std::span<const Bytes> keys, uint64_t time, Batch& batch) {
  if (keys.empty()) return true;
  if (meant_.name != place_.collection.name || meant_.uuid != place_.collection.uuid) {
    meant_ = place_.collection;
    name_ = meant_.name;
  }
  const size_t documents = batch.documents.size(), bytes = batch.source_bytes;
  for (;;) {
    ask_all(keys, time, batch);
    std::optional<std::string> now = name_now();
    if (now == name_) return true;
    take_back(batch, documents, bytes);
    if (!now) return false;
    name_ = *std::move(now);
  }
}

void MongoLookup::ask_all(std::span<const Bytes> keys, uint64_t time, Batch& batch) {
  for (size_t deletes = batch.documents.size(); !keys.empty();) {
    const size_t count = std::min(keys.size(), most_);
    deletes += ask(keys.first(count), time, batch, deletes);
    keys = keys.subspan(count);
  }
}

/// Asked behind the documents, and of the member that gave them: neither what is found in another
/// collection nor what is not says anything of those that are meant.
std::optional<std::string> MongoLookup::name_now() {
  for (int attempt = 0;; ++attempt) {
    try {
      const auto known = list_collections(client_, meant_.database, name_, server_);
      const bool told = !known.empty() && !known.front().uuid.empty();
      if (!known.empty() && (!told || meant_.uuid.empty() || known.front().uuid == meant_.uuid))
        return name_;
      if (meant_.uuid.empty()) return std::nullopt;
      for (const MongoCollection& one : list_collections(client_, meant_.database, {}, server_))
        if (one.uuid == meant_.uuid) return one.name;
      return std::nullopt;
    } catch (const MongoFault& fault) {
      if (!fault.passes() || attempt == kMongoAttempts) throw;
      wait_before(attempt);
    }
  }
}

/// All of the keys, or none: an answer that broke off is asked for again. Returns how many deletes
/// it puts in at `place`.
size_t MongoLookup::ask(std::span<const Bytes> keys, uint64_t time, Batch& batch, size_t place) {
  const size_t documents = batch.documents.size(), bytes = batch.source_bytes;
  bool told = false;
  for (int attempt = 0;; ++attempt) {
    try {
      MongoCommand command("find", name_);
      command.begin("filter").begin("_id").begin_array("$in");
      for (const Bytes key : keys) command.push(bson_field(key, "_id"));
      command.end().end();
      add_where(command, place_);
      command.end();
      add_read_concern(command, place_.deployment, time);
      std::unordered_set<std::string> found;
      if (!server_) server_ = client_.pick();
      MongoCursor cursor(client_, place_.collection.database, server_);
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
      const size_t there = batch.documents.size();
      for (const Bytes key : keys)
        if (!found.contains(key_text(key, scratch_))) give_change(batch, key, Operation::kDelete);
      return put_before(batch, place, there);
    } catch (const MongoFault& fault) {
      server_.reset();
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
