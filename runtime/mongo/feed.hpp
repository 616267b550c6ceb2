// The changes of a collection of a live MongoDB.
#pragma once
#include <memory>

#include "mongo/scan.hpp"
#include "place/feed.hpp"

namespace lugger {

/// State based: an updated document is looked up as it is now, and one that is not found was
/// deleted. `place` outlives the feed.
std::unique_ptr<Feed> make_mongo_feed(const ScanPlace& place);

}  // namespace lugger
