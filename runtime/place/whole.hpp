// All documents of a source as one stream.
#pragma once
#include "place/source.hpp"

namespace lugger {

/// Reads the source's parts one after another: whoever wants all documents on one thread opens it
/// so, since a source may have several parts even when it is asked for one (documents that only an
/// oplog has are a part of their own). `after` is a position of such a cursor.
std::unique_ptr<Cursor> open_whole(Source& source, const Position& after = {});

}  // namespace lugger
