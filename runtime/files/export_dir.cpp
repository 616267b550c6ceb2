#include "files/export_dir.hpp"

#include "files/dump_dir.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;

void scan_one(const fs::path& directory, const std::string& database,
              std::vector<CollectionInfo>& out) {
  for (const fs::directory_entry& entry : entries_of(directory)) {
    std::error_code fault;
    if (entry.is_directory(fault)) continue;
    const auto file = export_file(entry.path().filename().string());
    if (!file) continue;
    const uint64_t bytes = entry.file_size(fault);
    out.push_back(
        {database, file->stem, "collection", entry.path().string(), fault ? 0 : bytes, ""});
  }
}

}  // namespace

std::optional<ExportFile> export_file(std::string_view file_name) {
  if (stem_of(file_name, ".metadata.json") || file_name == "prelude.json" ||
      file_name == "prelude.json.gz")
    return std::nullopt;
  for (std::string_view ending : {".json", ".jsonl", ".ndjson", ".csv", ".tsv"}) {
    const bool csv = ending == ".csv" || ending == ".tsv";
    if (auto stem = stem_of(file_name, ending))
      return ExportFile{std::move(*stem), csv ? FileKind::kCsv : FileKind::kJson};
  }
  return std::nullopt;
}

CollectionName name_of_export(const std::string& path, const Options& options) {
  CollectionName out;
  const std::string file = is_read_once(path) ? "" : fs::path(path).filename().string();
  auto known = export_file(file);
  out.collection = known ? std::move(known->stem) : file;
  out.database = options.text("database");
  const std::string collection = options.text("collection");
  const size_t dot = out.database.empty() ? collection.find('.') : std::string::npos;
  if (dot != std::string::npos) out.database = collection.substr(0, dot);
  if (!collection.empty())
    out.collection = dot == std::string::npos ? collection : collection.substr(dot + 1);
  return out;
}

std::vector<CollectionInfo> scan_exports(const std::string& directory,
                                         const std::string& database) {
  std::vector<CollectionInfo> out;
  scan_one(directory, database, out);
  for (const fs::directory_entry& entry : entries_of(directory)) {
    std::error_code ignored;
    if (entry.is_directory(ignored)) scan_one(entry.path(), entry.path().filename().string(), out);
  }
  sort_by_name(out);
  return out;
}

}  // namespace lugger
