// Files of JSON documents and of CSV as mongoexport and others write them, alone or a directory of
// them.
#pragma once
#include "files/file_sources.hpp"

namespace lugger {

/// What a file's name says: the name before its ending, and what the ending stands for.
struct ExportFile {
  std::string stem;
  FileKind kind;  // kJson or kCsv
};

/// Of .json, .jsonl, .ndjson, .csv and .tsv, gzip or not. nullopt: no such file, or one that
/// mongodump writes beside its data (*.metadata.json, prelude.json).
std::optional<ExportFile> export_file(std::string_view file_name);

/// Named after the file; the options database and collection take precedence.
CollectionName name_of_export(const std::string& path, const Options& options);

/// One collection for each file, sorted by name. In a subdirectory, its name is the database; in
/// the directory itself, `database`.
std::vector<CollectionInfo> scan_exports(const std::string& directory, const std::string& database);

}  // namespace lugger
