// Reads a collection in the order of its _ids, whatever types they have, from a key on.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mongo/client.hpp"
#include "mongo/deployment.hpp"
#include "mongo/members.hpp"
#include "place/key.hpp"

namespace lugger {

/// How "behind this key" is said. kBounds: min with a hint, which crosses from type to type in the
/// index. kBrackets: a query a type, for servers that do not know min.
enum class ScanStyle : uint8_t { kBounds, kBrackets };

/// What every cursor of a collection shares.
struct ScanPlace {
  std::string url, shown, purpose = "lugger load";
  MongoDeployment deployment;
  MongoCollection collection;
  std::string where;  // BSON: which documents are meant; "": all
  ScanStyle style = ScanStyle::kBounds;
  std::vector<int32_t> types;  // kBrackets: the BSON types that the server knows
  std::shared_ptr<MongoMembers> members = std::make_shared<MongoMembers>();
  bool object_ids = false;  // kBrackets: when it was asked, every _id was an ObjectId
  std::string name() const { return collection.database + "." + collection.name; }
};

/// Asks the server for what it does with min, and of a server that knows it not, for the types that
/// an _id can be asked by.
void probe_scan(MongoClient& client, ScanPlace& place);

/// Reads [from, to); empty: from the first, to the last.
struct ScanRange {
  KeyDocument from, to;
};
/// "min:HEX max:HEX"; "" is everything.
std::string spec_of(const ScanRange& range);
ScanRange range_of(std::string_view spec, std::string_view place);

/// Goes on behind `after` ("id:HEX"). A cursor that the server loses is opened again behind the
/// last document given; a collection that was dropped and made anew meanwhile is Error{read}.
std::unique_ptr<Cursor> open_scan(const ScanPlace& place, const ScanRange& range,
                                  const Position& after);
/// About `parts` parts of equal size, by keys that the server samples. Where it does not know min,
/// between bounds that are reckoned from the first and the last key, when all are ObjectIds. Else
/// one part.
std::vector<Partition> split_scan(MongoClient& client, const ScanPlace& place, int parts,
                                  uint64_t bytes);

}  // namespace lugger
