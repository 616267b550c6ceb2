// A capped collection deletes its oldest documents, and the oplog does not contain these deletes.
#pragma once
#include <functional>

#include "change/metadata.hpp"
#include "place/source.hpp"

namespace lugger {

using OpenPart = std::function<std::unique_ptr<Cursor>()>;

/// Reads the parts one after another, in order of insertion, without the oldest documents that no
/// longer fit. Reads everything once beforehand.
std::unique_ptr<Cursor> open_capped(std::vector<OpenPart> parts, const CappedLimits& limits,
                                    const Position& after, std::string_view place);

}  // namespace lugger
