// How far a live MongoDB is, and how far back its oplog reaches.
#pragma once
#include <memory>

#include "mongo/scan.hpp"
#include "place/feed_watch.hpp"

namespace lugger {

/// Reads the oplog's first entry where the role may; elsewhere it asks for changes since a time, and
/// is told whether they are still there. `place` outlives it.
std::unique_ptr<FeedWatch> make_mongo_watch(const ScanPlace& place);

}  // namespace lugger
