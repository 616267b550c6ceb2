// Where a collection is cut into parts, and which way of scanning a server knows.
#include <algorithm>

#include "base/text.hpp"
#include "change/id_key.hpp"
#include "mongo/command.hpp"
#include "mongo/cursor.hpp"
#include "mongo/scan.hpp"
#include "mongo/scan_query.hpp"

namespace lugger {
namespace {

// More samples a part make parts more equal, but met a fault of the storage engine that made some
// parts far too large (WT-13310).
constexpr int kSamplesPerPart = 3;
constexpr int32_t kTooManyDuplicates = 28799;

void add_sort_by_id(MongoCommand& command) {
  command.begin().begin("$project").add("_id", 1).end().end();
  command.begin().begin("$sort").add("_id", 1).end().end();
}

/// {"_id": key} of `count` documents, sorted by the server; each key once.
std::vector<KeyDocument> sample_keys(MongoClient& client, const ScanPlace& place, int count) {
  MongoCommand command("aggregate", place.collection.name);
  command.begin_array("pipeline");
  command.begin().begin("$sample").add("size", count).end().end();
  add_sort_by_id(command);
  command.end().begin("cursor").end();
  std::vector<KeyDocument> out;
  ByteBuffer last, key;
  each_document(client, place.collection.database, command.done(), [&](Bytes document) {
    if (!make_id_key(bson_field(document, "_id"), key)) return;
    if (!out.empty() && std::ranges::equal(key.view(), last.view())) return;
    std::swap(last, key);
    out.emplace_back(document.begin(), document.end());
  });
  return out;
}

/// Fewer and fewer samples, as long as the server finds the same documents again and again.
std::vector<KeyDocument> try_samples(MongoClient& client, const ScanPlace& place, int parts) {
  for (int count = parts * kSamplesPerPart; count > 1; count /= 10) {
    try {
      return sample_keys(client, place, count);
    } catch (const MongoFault& fault) {
      if (fault.passes()) throw;
      if (fault.number() != kTooManyDuplicates) return {};  // no $sample: read in one part
    }
  }
  return {};
}

/// Whether the server takes `min`. One that does refuses it without a hint (51173, from MongoDB 4.2
/// on); look-alikes pass over it in silence, and would give a scan its first documents again.
bool knows_min(MongoClient& client, const ScanPlace& place) {
  constexpr int32_t kHintNeeded = 51173;
  MongoCommand command("find", place.collection.name);
  command.add("min", Bytes(key_document(Value::null()))).add("limit", 1).add("singleBatch", true);
  try {
    client.run(place.collection.database, command.done());
    return false;
  } catch (const MongoFault& fault) {
    if (fault.passes() || fault.code() == Code::kAuth) throw;
    return fault.number() == kHintNeeded;
  }
}

bool knows_type(MongoClient& client, const ScanPlace& place, int32_t type) {
  MongoCommand command("find", place.collection.name);
  command.begin("filter").begin("_id").begin_array("$type");
  command.push(Value::of(ValueType::kInt32, type)).end().end().end();
  command.add("limit", 1).add("singleBatch", true);
  try {
    client.run(place.collection.database, command.done());
    return true;
  } catch (const MongoFault& fault) {
    if (fault.passes() || fault.code() == Code::kAuth) throw;
    return false;
  }
}

}  // namespace

void probe_scan(MongoClient& client, ScanPlace& place) {
  place.style = knows_min(client, place) ? ScanStyle::kBounds : ScanStyle::kBrackets;
  if (place.style == ScanStyle::kBounds) return;
  for (const int32_t type : id_types())
    if (knows_type(client, place, type)) place.types.push_back(type);
}

std::vector<Partition> split_scan(MongoClient& client, const ScanPlace& place, int parts,
                                  uint64_t bytes) {
  std::vector<KeyDocument> keys;
  if (parts > 1 && place.style == ScanStyle::kBounds) keys = try_samples(client, place, parts);
  const size_t count = std::clamp<size_t>(keys.size() + 1, 1, static_cast<size_t>(parts));
  std::vector<Partition> out;
  ScanRange range;
  for (size_t i = 0; i < count; ++i) {
    range.from = std::exchange(range.to, {});
    if (i + 1 < count) range.to = keys[(i + 1) * keys.size() / count];
    out.push_back({std::to_string(i), spec_of(range), bytes / count});
  }
  return out;
}

}  // namespace lugger
