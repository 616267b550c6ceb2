// The changes of a table, by logical decoding.
#pragma once
#include <memory>

#include "place/feed.hpp"
#include "place/feed_watch.hpp"
#include "postgres/slot.hpp"

namespace lugger {

/// State based: a change gives the key of its row, which is looked up as it is then. One that is not
/// found was deleted if that was the last change; if not, the changes that follow tell what became of
/// it. `followed` outlives the feed.
std::unique_ptr<Feed> make_pg_feed(const PgFollowed& followed);

/// How far its server is.
std::unique_ptr<FeedWatch> make_pg_watch(const PgFollowed& followed);

}  // namespace lugger
