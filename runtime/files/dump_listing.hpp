// What a dump lists, read once for all collections that a script opens of it.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "place/source.hpp"

namespace lugger {

using DumpListing = std::shared_ptr<const std::vector<CollectionInfo>>;

/// As scan_dump() gives it, or gave it when no file has come to its directories, gone or got another
/// name since. What files hold may have changed: see seen_again().
DumpListing known_dump(const std::string& directory);
/// One collection of a listing with its metadata and size as they are now.
CollectionInfo seen_again(const CollectionInfo& known);

}  // namespace lugger
