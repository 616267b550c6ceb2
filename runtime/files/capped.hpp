// A capped collection drops its oldest documents, and the oplog does not say so.
#pragma once
#include <functional>

#include "change/metadata.hpp"
#include "place/source.hpp"

namespace lugger {

using OpenPart = std::function<std::unique_ptr<Cursor>()>;

/// The parts one after another, in the order of insertion, without those documents at the beginning
/// that no longer fit. Reads everything once before.
std::unique_ptr<Cursor> open_capped(std::vector<OpenPart> parts, const CappedLimits& limits,
                                    const Position& after, std::string_view place);

}  // namespace lugger
