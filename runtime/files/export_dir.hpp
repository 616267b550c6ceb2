// Files of JSON documents as mongoexport and others write them, alone or a directory of them.
#pragma once
#include "files/file_sources.hpp"

namespace lugger {

/// The name before .json, .jsonl or .ndjson, gzip or not. nullopt: no such file, or one that
/// mongodump writes beside its data (*.metadata.json, prelude.json).
std::optional<std::string> export_stem(std::string_view file_name);

/// Called after the file; options database and collection go before that.
CollectionName name_of_json(const std::string& path, const Options& options);

/// A collection a file, sorted by name. Those of a directory below it have its name as their
/// database; those in the directory itself have `database`.
std::vector<CollectionInfo> scan_exports(const std::string& directory, const std::string& database);

}  // namespace lugger
