// Where a collection is cut into parts, and which way of scanning a server knows.
#include <algorithm>
#include <array>

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

using ObjectId = std::array<uint8_t, 12>;
__extension__ typedef unsigned __int128 Wide;

/// The smallest _id, or the greatest, when it is an ObjectId; nullopt: it is not, or there is none.
std::optional<ObjectId> outermost(MongoClient& client, const ScanPlace& place, int32_t direction) {
  MongoCommand command("find", place.collection.name);
  command.begin("sort").add("_id", direction).end().begin("projection").add("_id", 1).end();
  command.add("limit", 1).add("singleBatch", true);
  std::optional<ObjectId> out;
  each_document(client, place.collection.database, command.done(), [&](Bytes document) {
    const Value id = bson_field(document, "_id");
    if (id.type == ValueType::kObjectId) std::ranges::copy(id.bytes(), out.emplace().begin());
  });
  return out;
}

/// The first and the last _id; nullopt unless both are ObjectIds, and so all between them.
std::optional<std::pair<ObjectId, ObjectId>> object_id_bounds(MongoClient& client,
                                                              const ScanPlace& place) {
  const auto first = outermost(client, place, 1), last = outermost(client, place, -1);
  if (!first || !last) return std::nullopt;
  return std::pair(*first, *last);
}

Wide number_of(const ObjectId& id) noexcept {
  Wide out = 0;
  for (const uint8_t byte : id) out = out << 8 | byte;
  return out;
}

KeyDocument key_of(Wide number) {
  ObjectId id;
  for (auto byte = id.rbegin(); byte != id.rend(); ++byte, number >>= 8)
    *byte = static_cast<uint8_t>(number);
  return key_document(Value::of(ValueType::kObjectId, Bytes(id)));
}

/// Keys at equal distances. Ids are made in the order of time, so parts are as unequal as the
/// days were; workers that are done early claim more of them.
std::vector<KeyDocument> reckoned_keys(MongoClient& client, const ScanPlace& place, int parts) {
  std::vector<KeyDocument> out;
  const auto bounds = object_id_bounds(client, place);
  if (!bounds) return out;
  const Wide first = number_of(bounds->first), last = number_of(bounds->second);
  const auto count = static_cast<Wide>(parts);
  if (last <= first || last - first < count) return out;
  for (Wide i = 1; i < count; ++i) out.push_back(key_of(first + (last - first) * i / count));
  return out;
}

}  // namespace

void probe_scan(MongoClient& client, ScanPlace& place) {
  place.style = knows_min(client, place) ? ScanStyle::kBounds : ScanStyle::kBrackets;
  if (place.style == ScanStyle::kBounds) return;
  for (const int32_t type : id_types())
    if (knows_type(client, place, type)) place.types.push_back(type);
  place.object_ids = object_id_bounds(client, place).has_value();
}

std::vector<Partition> split_scan(MongoClient& client, const ScanPlace& place, int parts,
                                  uint64_t bytes) {
  std::vector<KeyDocument> keys;
  if (parts > 1) {
    keys = place.style == ScanStyle::kBounds ? try_samples(client, place, parts)
                                             : reckoned_keys(client, place, parts);
  }
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
