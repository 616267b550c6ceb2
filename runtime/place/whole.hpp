// All documents of a source as one stream.
#pragma once
#include "place/source.hpp"

namespace lugger {

/// Reads the parts of the source one after another. Use it to read all documents in one thread: a
/// source may have several parts even when one is requested, because documents that only an oplog
/// has are a part of their own. `after` is a position of such a cursor.
std::unique_ptr<Cursor> open_whole(Source& source, const Position& after = {});

}  // namespace lugger
