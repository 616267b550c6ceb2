// The changes of a collection of a live MongoDB.
#pragma once
#include <memory>

#include "mongo/hub.hpp"
#include "mongo/scan.hpp"
#include "place/feed.hpp"

namespace lugger {

/// State based: an updated document is looked up as it is now, and one that is not found was
/// deleted. `place` outlives the feed. Without a hub it reads a stream of its own.
std::unique_ptr<Feed> make_mongo_feed(const ScanPlace& place, std::shared_ptr<MongoHub> hub);

}  // namespace lugger
