// A directory as mongodump writes it: files named after collections, their metadata beside them.
#pragma once
#include "files/file_sources.hpp"

namespace lugger {

/// Everything in a dump, or in the directory of one of its databases, sorted by name; time series
/// and views included.
std::vector<CollectionInfo> scan_dump(const std::string& directory);

/// The names and metadata of one .bson file: from *.metadata.json beside it, else from its path.
/// Options database and collection go before both. Error{config} for the buckets of a time series
/// unless format = 'bson' asks for them as they are.
CollectionName name_of_bson(const std::string& path, const Options& options);

/// mongodump's file name ending (".bson", ".metadata.json"), gzip or not; the name before it, still
/// escaped. nullopt: not that file.
std::optional<std::string> stem_of(std::string_view file_name, std::string_view ending);
/// What Go's url.QueryEscape made of a collection's name: %XX, and "+" for a space.
std::string unescape_name(std::string_view escaped);

}  // namespace lugger
