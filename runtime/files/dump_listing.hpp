// The listing of a dump, read once for all collections that a script opens.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "place/source.hpp"

namespace lugger {

using DumpListing = std::shared_ptr<const std::vector<CollectionInfo>>;

/// The result of scan_dump(). An earlier result is returned if no file was added, removed or
/// renamed in its directories since. The content of files may have changed: see seen_again().
DumpListing known_dump(const std::string& directory);
/// One collection of a listing with its metadata and size as they are now.
CollectionInfo seen_again(const CollectionInfo& known);

}  // namespace lugger
