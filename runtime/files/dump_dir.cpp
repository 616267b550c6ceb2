#include "files/dump_dir.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/error.hpp"
#include "base/url.hpp"
#include "files/dump_listing.hpp"
#include "files/metadata.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kMetadata = ".metadata.json", kBuckets = "system.buckets.";

bool exists_quietly(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool is_directory_quietly(const fs::directory_entry& entry) {
  std::error_code ignored;
  return entry.is_directory(ignored);
}

uint64_t size_quietly(const fs::path& path) {
  std::error_code fault;
  const uint64_t size = fs::file_size(path, fault);
  return fault ? 0 : size;  // opening it reports the fault
}

/// Of two metadata files, the one with the same compression as the data.
fs::path metadata_beside(const fs::path& directory, const std::string& stem, bool gzip) {
  for (std::string_view ending : {gzip ? ".gz" : "", gzip ? "" : ".gz"}) {
    fs::path path = directory / fmt::format("{}{}{}", stem, kMetadata, ending);
    if (exists_quietly(path)) return path;
  }
  return {};
}

std::string database_of(const fs::path& directory) {
  const fs::path whole = fs::absolute(directory).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

/// The files of one collection, by their common escaped name.
struct Files {
  std::vector<fs::path> data;  // more than one: "users.bson" beside "users.bson.gz"
  bool metadata = false;
};

std::map<std::string, Files> files_of(const fs::path& directory) {
  std::map<std::string, Files> out;
  for (const fs::directory_entry& entry : entries_of(directory)) {
    if (is_directory_quietly(entry)) continue;
    const std::string name = entry.path().filename().string();
    if (auto stem = stem_of(name, kMetadata)) out[*stem].metadata = true;
    for (std::string_view ending : {".bson", ".bin"}) {
      if (auto stem = stem_of(name, ending)) out[*stem].data.push_back(entry.path());
    }
  }
  return out;
}

/// data: one of the files; empty: there is none.
CollectionInfo info_of(const std::string& database, const std::string& stem, const fs::path& data,
                       const fs::path& metadata_file) {
  CollectionInfo info{database, unescape_name(stem), "collection", data.string(), 0, ""};
  if (!metadata_file.empty()) {
    Metadata metadata = metadata_from_file(metadata_file);
    if (!metadata.name.empty()) info.collection = std::move(metadata.name);
    info.type = std::move(metadata.type);
    info.metadata_json = std::move(metadata.json);
    info.fault = std::move(metadata.fault);
  }
  if (info.collection.starts_with(kBuckets)) info.type = "timeseries";
  if (data.empty()) {
    info.path = metadata_file.string();
  } else {
    info.bytes = size_quietly(data);
  }
  return info;
}

void scan_database(const fs::path& directory, std::vector<CollectionInfo>& out) {
  const std::string database = database_of(directory);
  const auto files = files_of(directory);
  for (const auto& [stem, of_one] : files) {
    // The oplog of a whole dump has no metadata; a collection named oplog does.
    const bool oplog = stem == "oplog" && !of_one.metadata;
    if (stem.starts_with(kBuckets) && files.contains(stem.substr(kBuckets.size()))) continue;
    const std::string of = oplog ? "" : database;
    for (const fs::path& data : of_one.data) {
      const bool gzip = data.extension() == ".gz";
      out.push_back(info_of(of, stem, data, metadata_beside(directory, stem, gzip)));
    }
    if (of_one.data.empty())
      out.push_back(info_of(of, stem, {}, metadata_beside(directory, stem, false)));
  }
}

}  // namespace

std::optional<std::string> stem_of(std::string_view file_name, std::string_view ending) {
  if (file_name.ends_with(".gz")) file_name.remove_suffix(3);
  if (!file_name.ends_with(ending) || file_name.size() == ending.size()) return std::nullopt;
  return std::string(file_name.substr(0, file_name.size() - ending.size()));
}

std::string unescape_name(std::string_view escaped) {
  std::string spaced(escaped);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decode(spaced);
}

std::vector<fs::directory_entry> entries_of(const AllowedPath& directory) {
  std::vector<fs::directory_entry> out;
  std::error_code fault;
  fs::directory_iterator at(directory.text(), fault);
  for (; !fault && at != fs::directory_iterator(); at.increment(fault)) {
    if (!at->path().filename().string().starts_with('.')) out.push_back(*at);
  }
  if (fault) {
    throw Error(Code::kRead, fmt::format("cannot list {}: {}", directory.text(), fault.message()),
                "check the path and the rights of this user");
  }
  return out;
}

void sort_by_name(std::vector<CollectionInfo>& infos) {
  std::sort(infos.begin(), infos.end(), [](const CollectionInfo& a, const CollectionInfo& b) {
    return std::tie(a.database, a.collection, a.path) < std::tie(b.database, b.collection, b.path);
  });
}

CollectionInfo seen_again(const CollectionInfo& known) {
  const fs::path data(known.path);
  const std::string name = data.filename().string();
  std::optional<std::string> stem = stem_of(name, ".bson");
  if (!stem) stem = stem_of(name, ".bin");
  if (!stem) return known;  // there is no data
  return info_of(known.database, *stem, data,
                 metadata_beside(data.parent_path(), *stem, data.extension() == ".gz"));
}

std::vector<CollectionInfo> scan_dump(const std::string& directory) {
  std::vector<CollectionInfo> out;
  scan_database(directory, out);
  for (const fs::directory_entry& entry : entries_of(directory)) {
    if (is_directory_quietly(entry)) scan_database(entry.path(), out);
  }
  sort_by_name(out);
  return out;
}

CollectionName name_of_bson(const AllowedPath& place, const Options& options) {
  const std::string& path = place.text();
  CollectionName out;
  if (!is_read_once(path)) {
    const fs::path file(path);
    auto stem = stem_of(file.filename().string(), ".bson");
    if (!stem) stem = stem_of(file.filename().string(), ".bin");
    const fs::path directory = file.has_parent_path() ? file.parent_path() : fs::path(".");
    out.collection = unescape_name(stem.value_or(file.filename().string()));
    const fs::path beside =
        metadata_beside(directory, stem.value_or(""), file.extension() == ".gz");
    if (out.collection.starts_with(kBuckets) && options.text("format") != "bson") {
      throw Error(
          Code::kConfig,
          fmt::format("{} holds the internal buckets of a time series, not its documents", path),
          "export it with mongoexport and copy that file; format = 'bson' reads the buckets as "
          "they are");
    }
    if (!beside.empty()) {
      Metadata metadata = metadata_from_file(place.belonging(beside));
      if (!metadata.name.empty()) out.collection = std::move(metadata.name);
      if (!metadata.fault.empty()) out.warnings.push_back(std::move(metadata.fault));
      out.metadata_json = std::move(metadata.json);
    }
    for (std::string_view ending : {".bson", ".bson.gz", ".bin", ".bin.gz"}) {
      const fs::path other = directory / fmt::format("{}{}", stem.value_or(""), ending);
      if (stem && other.filename() != file.filename() && exists_quietly(other)) {
        out.advice.push_back(
            fmt::format("{} lies beside {}: it is not read", other.string(), path));
      }
    }
    const bool oplog = out.collection == "oplog" && beside.empty();
    if (!oplog && stem) out.database = database_of(directory);
  }
  const std::string database = options.text("database"), collection = options.text("collection");
  if (!database.empty()) out.database = database;
  if (!collection.empty() && collection != out.database + "." + out.collection) {
    const size_t dot = database.empty() ? collection.find('.') : std::string::npos;
    if (dot != std::string::npos) out.database = collection.substr(0, dot);
    out.collection = dot == std::string::npos ? collection : collection.substr(dot + 1);
  }
  return out;
}

}  // namespace lugger
