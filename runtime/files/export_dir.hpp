// Files of JSON documents as mongoexport and others write them, alone or a directory of them.
#pragma once
#include "files/file_sources.hpp"

namespace lugger {

/// The name before .json, .jsonl or .ndjson, gzip or not. nullopt: no such file, or one that
/// mongodump writes beside its data (*.metadata.json, prelude.json).
std::optional<std::string> export_stem(std::string_view file_name);

/// Named after the file; the options database and collection take precedence.
CollectionName name_of_json(const std::string& path, const Options& options);
/// The same of .csv and .tsv.
CollectionName name_of_csv(const std::string& path, const Options& options);

/// One collection for each file, sorted by name. In a subdirectory, its name is the database; in
/// the directory itself, `database`.
std::vector<CollectionInfo> scan_exports(const std::string& directory, const std::string& database);

}  // namespace lugger
