// A directory written by mongodump: files named after collections, with their metadata beside them.
#pragma once
#include <filesystem>

#include "base/gate.hpp"
#include "files/file_sources.hpp"

namespace lugger {

/// The entries of a directory, except names that begin with a dot: file managers and archivers
/// create these (.DS_Store; ._users.bson of macOS, also below __MACOSX), and no database or
/// collection has such a name. Error{read} when the directory cannot be listed.
std::vector<std::filesystem::directory_entry> entries_of(const AllowedPath& directory);

/// Everything in a dump, or in the directory of one of its databases, sorted by name; time series
/// and views included.
std::vector<CollectionInfo> scan_dump(const std::string& directory);

/// By database and collection, those of one name by path.
void sort_by_name(std::vector<CollectionInfo>& infos);

/// The names and metadata of one .bson file: from *.metadata.json beside it, otherwise from its
/// path. The options database and collection take precedence. Error{config} for the buckets of a
/// time series, unless format = 'bson' requests them.
CollectionName name_of_bson(const AllowedPath& place, const Options& options);

/// The name before mongodump's ending (".bson", ".metadata.json"), gzip or not, still escaped.
/// nullopt: the file name does not have this ending.
std::optional<std::string> stem_of(std::string_view file_name, std::string_view ending);
/// What Go's url.QueryEscape made of a collection's name: %XX, and "+" for a space.
std::string unescape_name(std::string_view escaped);

}  // namespace lugger
