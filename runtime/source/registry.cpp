#include <filesystem>

#include "base/error.hpp"
#include "base/url.hpp"
#include "source/choose.hpp"
#include "source/dump_dir.hpp"
#include "source/postgres_source.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;
using Type = OptionSpec::Type;

constexpr OptionSpec kFileOptions[] = {
    {"collection", Type::kText,
     "Which collection of a dump or archive: 'db.name' or 'name'; for a single file, what to call "
     "it."},
    {"database", Type::kText,
     "Which database of a dump or archive; for a single file, what to call it."},
    {"format", Type::kChoice, "What the file holds; gzip is always recognised.", "auto",
     "auto|bson|json|archive"},
};
constexpr OptionSpec kPostgresOptions[] = {
    {"table", Type::kText, "The table to read: 'name' or 'schema.name'."},
    {"query", Type::kText, "A SELECT to read instead of a table."},
    {"key", Type::kList,
     "Unique, never NULL columns to read in the order of, so that a run can be resumed."},
    {"pooled", Type::kFlag,
     "The server is reached through a pooler that keeps no session settings."},
};

bool is_postgres(const std::string& place) {
  const std::string_view scheme = url_scheme(place);
  if (scheme == "postgresql" || scheme == "postgres" || scheme == "local") return true;
  if (!scheme.empty()) return false;
  for (std::string_view word : {"host=", "hostaddr=", "port=", "dbname=", "user=", "service="}) {
    if (place.starts_with(word)) return true;
  }
  return false;
}

/// The path a place names: "file:" URLs are decoded, what exists is a path whatever it looks like.
std::string path_of(const std::string& place) {
  std::error_code ignored;
  const std::string_view scheme = url_scheme(place);
  if (place == "-" || scheme.empty() || fs::exists(place, ignored)) return place;
  if (scheme == "file") {
    std::string_view rest = std::string_view(place).substr(5);
    if (rest.starts_with("//")) rest.remove_prefix(2);
    return percent_decode(rest);
  }
  throw Error(Code::kConfig,
              fmt::format("{} cannot be read: nothing reads {}: URLs", mask_secrets(place), scheme),
              scheme.starts_with("mongodb")
                  ? "dump it with mongodump and read the dump"
                  : "a source is a file, a dump directory, '-', or a PostgreSQL URL");
}

void require_path(const std::string& path) {
  std::error_code fault;
  if (path == "-" || fs::exists(path, fault)) return;
  throw Error(Code::kConfig,
              fmt::format("{} does not exist", path.empty() ? "a source without a name" : path),
              "a source is a file, a dump directory, '-' for standard input, or a PostgreSQL URL");
}

CollectionName name_of_json(const std::string& path, const Options& options) {
  CollectionName out;
  if (path != "-") {
    const std::string file = fs::path(path).filename().string();
    for (std::string_view ending : {".json", ".jsonl", ".ndjson"}) {
      if (auto stem = stem_of(file, ending)) out.collection = *stem;
    }
    if (out.collection.empty()) out.collection = file;
  }
  out.database = options.text("database");
  const std::string collection = options.text("collection");
  const size_t dot = out.database.empty() ? collection.find('.') : std::string::npos;
  if (dot != std::string::npos) out.database = collection.substr(0, dot);
  if (!collection.empty())
    out.collection = dot == std::string::npos ? collection : collection.substr(dot + 1);
  return out;
}

std::unique_ptr<Source> open_file(const std::string& path, const Options& options) {
  auto input = std::make_shared<const Input>(path, options.text("format", "auto"));
  switch (input->kind()) {
    case FileKind::kArchive: return make_archive_source(std::move(input), options);
    case FileKind::kJson: return make_json_source(std::move(input), name_of_json(path, options));
    case FileKind::kBson: break;
  }
  return make_bson_source(std::move(input), name_of_bson(path, options));
}

std::unique_ptr<Source> open_directory(const std::string& path, const Options& options) {
  const std::vector<CollectionInfo> all = scan_dump(path);
  const CollectionInfo& chosen = choose_collection(all, options, path);
  if (stem_of(fs::path(chosen.path).filename().string(), ".metadata.json")) {
    throw Error(Code::kRead,
                fmt::format("{} has metadata of {}.{}, but no data", path, chosen.database,
                            chosen.collection),
                "the dump is not complete: dump or copy it again");
  }
  auto input = std::make_shared<const Input>(chosen.path, "bson");
  return make_bson_source(std::move(input),
                          {chosen.database, chosen.collection, chosen.metadata_json, {}});
}

}  // namespace

std::span<const OptionSpec> source_options(const std::string& place) {
  if (is_postgres(place)) return kPostgresOptions;
  return kFileOptions;
}

std::unique_ptr<Source> open_source(const std::string& place, const Options& options) {
  options.check("source", source_options(place));
  if (is_postgres(place)) return make_postgres_source(place, options);
  const std::string path = path_of(place);
  require_path(path);
  return fs::is_directory(path) ? open_directory(path, options) : open_file(path, options);
}

std::vector<CollectionInfo> list_collections(const std::string& place, const Options& options) {
  if (is_postgres(place)) return list_postgres(place);
  options.check("source", kFileOptions);
  const std::string path = path_of(place);
  require_path(path);
  if (fs::is_directory(path)) return listed_collections(scan_dump(path), options);
  // Standard input cannot be looked at and read again: what it holds shows when it is opened.
  if (path == "-")
    return {{options.text("database"), options.text("collection"), "collection", "-", 0, ""}};
  const Input input(path, options.text("format", "auto"));
  if (input.kind() == FileKind::kArchive) return listed_collections(list_archive(input), options);
  const CollectionName name =
      input.kind() == FileKind::kJson ? name_of_json(path, options) : name_of_bson(path, options);
  return {{name.database, name.collection, "collection", path, input.bytes(), name.metadata_json}};
}

}  // namespace lugger
