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
    const auto stem = export_stem(entry.path().filename().string());
    if (!stem) continue;
    const uint64_t bytes = entry.file_size(fault);
    out.push_back({database, *stem, "collection", entry.path().string(), fault ? 0 : bytes, ""});
  }
}

}  // namespace

std::optional<std::string> export_stem(std::string_view file_name) {
  if (stem_of(file_name, ".metadata.json") || file_name == "prelude.json" ||
      file_name == "prelude.json.gz")
    return std::nullopt;
  for (std::string_view ending : {".json", ".jsonl", ".ndjson"}) {
    if (auto stem = stem_of(file_name, ending)) return stem;
  }
  return std::nullopt;
}

static CollectionName named(std::string stem, const Options& options) {
  CollectionName out;
  out.collection = std::move(stem);
  out.database = options.text("database");
  const std::string collection = options.text("collection");
  const size_t dot = out.database.empty() ? collection.find('.') : std::string::npos;
  if (dot != std::string::npos) out.database = collection.substr(0, dot);
  if (!collection.empty())
    out.collection = dot == std::string::npos ? collection : collection.substr(dot + 1);
  return out;
}

static std::string file_name(const std::string& path) {
  return is_read_once(path) ? std::string() : fs::path(path).filename().string();
}

CollectionName name_of_json(const std::string& path, const Options& options) {
  const std::string file = file_name(path);
  return named(export_stem(file).value_or(file), options);
}

CollectionName name_of_csv(const std::string& path, const Options& options) {
  const std::string file = file_name(path);
  auto stem = stem_of(file, ".csv");
  if (!stem) stem = stem_of(file, ".tsv");
  return named(stem.value_or(file), options);
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
