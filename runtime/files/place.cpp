#include "files/place.hpp"

#include <filesystem>
#include <functional>

#include "base/error.hpp"
#include "base/url.hpp"
#include "files/dump_dir.hpp"
#include "files/dump_listing.hpp"
#include "files/export_dir.hpp"
#include "files/replay.hpp"
#include "place/choose.hpp"

namespace lugger {
namespace {

namespace fs = std::filesystem;
using Type = OptionSpec::Type;

constexpr OptionSpec kFileOptions[] = {
    {"collection", Type::kText,
     "Which collection of a server, dump, archive or directory: 'db.name' or 'name'; for a single "
     "file, what to call it."},
    {"database", Type::kText,
     "Which database of a server, dump or archive; for a single file, what to call it."},
    {"format", Type::kChoice, "What the file holds; gzip is always recognised.", "auto",
     "auto|bson|json|archive|csv"},
    {"style", Type::kChoice,
     "How JSON is read: wrappers such as {\"$oid\": ...} are MongoDB's types; plain: JSON as it "
     "stands, with every digit of its numbers.",
     "extended", "extended|plain"},
    {"oplog", Type::kFlagOrPath,
     "Whether the oplog of a dump is replayed (default: when there is one), or the oplog.bson to "
     "replay."},
};

/// The options of what only the first bytes tell apart.
const std::vector<OptionSpec>& all_options() {
  static const std::vector<OptionSpec> all = [] {
    std::vector<OptionSpec> out(std::begin(kFileOptions), std::end(kFileOptions));
    const auto csv = csv_options();
    out.insert(out.end(), csv.begin(), csv.end());
    return out;
  }();
  return all;
}

void refuse_csv_options(std::string_view place, const Options& options, std::string_view hint) {
  for (const OptionSpec& option : csv_options()) {
    if (options.has(option.name))
      throw Error(Code::kConfig,
                  fmt::format("{} is an option of CSV, and {} is none", option.name, place),
                  std::string(hint));
  }
}

JsonForm form_of(std::string_view place, FileKind kind, const Options& options) {
  if (kind != FileKind::kJson && options.has("style"))
    throw Error(
        Code::kConfig, fmt::format("style is an option of JSON, and {} is none", place),
        "leave it out; a file of JSON that looks like something else wants format = 'json'");
  return options.text("style", "extended") == "plain" ? JsonForm::kPlain : JsonForm::kExtended;
}

/// The path a place names: "file:" URLs are decoded, what exists is a path whatever it looks like.
AllowedPath path_of(const std::string& place) {
  std::error_code ignored;
  const std::string_view scheme = url_scheme(place);
  if (place == "-" || scheme.empty()) return place;
  if (!gate_is_shut() && fs::exists(place, ignored)) return place;
  if (scheme == "file") {
    std::string_view rest = std::string_view(place).substr(5);
    if (rest.starts_with("//")) rest.remove_prefix(2);
    return percent_decode(rest);
  }
  throw Error(
      Code::kConfig,
      fmt::format("{} cannot be read: nothing reads {}: URLs", mask_secrets(place), scheme),
      "a source is a file, a dump directory, '-', or the URL of a PostgreSQL, a MongoDB or a "
      "Weaviate (weaviate://, weaviates://)");
}

void require_path(const AllowedPath& allowed) {
  const std::string& path = allowed.text();
  std::error_code fault;
  if (path == "-" || fs::exists(path, fault)) return;
  throw Error(
      Code::kConfig,
      fmt::format("{} does not exist", path.empty() ? "a source without a name" : path),
      "a source is a file, a dump directory, '-' for standard input, or the URL of a PostgreSQL or "
      "MongoDB");
}

/// What a directory holds: a dump, or where there is none, files of JSON documents and of CSV.
std::vector<CollectionInfo> scan_directory(const std::string& path, const Options& options) {
  std::vector<CollectionInfo> out = scan_dump(path);
  return out.empty() ? scan_exports(path, options.text("database")) : out;
}

/// What its file is to be read as.
FileKind kind_of(const CollectionInfo& info) {
  const auto file = export_file(fs::path(info.path).filename().string());
  return file ? file->kind : FileKind::kBson;
}

bool is_export(const CollectionInfo& info) { return kind_of(info) != FileKind::kBson; }

bool are_exports(const std::vector<CollectionInfo>& all) {
  return !all.empty() && is_export(all.front());
}

/// "": there are none.
std::string advice_beside_dump(const std::string& path, const std::vector<CollectionInfo>& all) {
  if (all.empty() || are_exports(all)) return {};
  std::vector<std::string> files;
  for (const CollectionInfo& info : scan_exports(path, {})) files.push_back(info.path);
  if (files.empty()) return {};
  return fmt::format("beside the dump, JSON and CSV are read only from a file that is named: {}",
                     fmt::join(files, ", "));
}

using OpenCollection = std::function<std::unique_ptr<Source>(const CollectionInfo&)>;

std::unique_ptr<Source> open_replayed(const std::vector<CollectionInfo>& before,
                                      const ReplayedCollections& now, size_t chosen,
                                      std::shared_ptr<const Replay> replay,
                                      const OpenCollection& open,
                                      std::vector<std::string> warnings = {}) {
  const ReplayedCollections::Origin& origin = now.origins[chosen];
  const bool dumped = origin.before != ReplayedCollections::Origin::kNone;
  return make_replayed_source(dumped ? open(before[origin.before]) : nullptr, std::move(replay),
                              now.infos[chosen], origin.lineage, std::move(warnings));
}

/// The collection that options choose, of those there are at the end of the oplog.
std::unique_ptr<Source> open_chosen(const std::vector<CollectionInfo>& before,
                                    std::shared_ptr<const Replay> replay, bool whole,
                                    const Options& options, std::string_view place,
                                    const OpenCollection& open) {
  const ReplayedCollections now = replayed_collections(before, *replay, whole);
  refuse_gone(*replay, now, options, place);
  const CollectionInfo& chosen = choose_collection(now.infos, options, place);
  const auto index = static_cast<size_t>(&chosen - now.infos.data());
  std::vector<std::string> warnings = left_out(before, now, *replay, whole);
  return open_replayed(before, now, index, std::move(replay), open, std::move(warnings));
}

std::unique_ptr<Source> open_archive(std::shared_ptr<const Input> input, const Options& options) {
  auto replay = begin_replay(oplog_of_archive(input, options), options, input->shown());
  if (!replay) return make_archive_source(std::move(input), options);
  const auto open = [&](const CollectionInfo& origin) {
    Options named = options;
    named.set("collection", origin.database + "." + origin.collection);
    return make_archive_source(input, named);
  };
  return open_chosen(list_archive(*input), std::move(replay), true, options, input->shown(), open);
}

CollectionName name_of(const Input& input, const AllowedPath& path, const Options& options) {
  const bool text = input.kind() == FileKind::kJson || input.kind() == FileKind::kCsv;
  return text ? name_of_export(path.text(), options) : name_of_bson(path, options);
}

std::unique_ptr<Source> open_csv(std::shared_ptr<const Input> input, CollectionName name,
                                 const Options& options) {
  const OplogChoice::Kind oplog = oplog_choice(options).kind;
  if (oplog == OplogChoice::Kind::kFile || oplog == OplogChoice::Kind::kYes)
    throw Error(Code::kConfig, fmt::format("{} is CSV, and no oplog tells of it", input->shown()));
  CsvShape shape = csv_shape(options, input->place());
  return make_csv_source(std::move(input), std::move(name), std::move(shape));
}

std::unique_ptr<Source> open_file(const AllowedPath& allowed, const Options& options) {
  const std::string& path = allowed.text();
  auto input = std::make_shared<const Input>(allowed, options.text("format", "auto"));
  const bool csv = input->kind() == FileKind::kCsv, json = input->kind() == FileKind::kJson;
  if (!csv) refuse_csv_options(input->shown(), options, "say format = 'csv' if it is");
  if (input->kind() == FileKind::kArchive) return open_archive(std::move(input), options);
  const JsonForm form = form_of(input->shown(), input->kind(), options);
  CollectionName name = name_of(*input, allowed, options);
  if (csv) return open_csv(std::move(input), std::move(name), options);
  const auto open = [&](const CollectionInfo&) {
    return json ? make_json_source(input, name, form) : make_bson_source(input, name);
  };
  auto replay = begin_replay(oplog_of_file(allowed, options), options, input->shown());
  if (!replay) {
    std::string advice = advice_beside_oplog(path, options);
    if (!advice.empty() && !json) name.advice.push_back(std::move(advice));
    return open({});
  }
  if (name.database.empty()) name.database = database_in_oplog(*replay, name.collection);
  const std::vector<CollectionInfo> file = {
      {name.database, name.collection, "collection", path, input->bytes(), name.metadata_json, ""}};
  const ReplayedCollections now = replayed_collections(file, *replay, false);
  for (size_t i = 0; i < now.infos.size(); ++i) {
    if (now.origins[i].before == 0) return open_replayed(file, now, i, std::move(replay), open);
  }
  Options named;
  named.set("collection", name.database + "." + name.collection);
  refuse_gone(*replay, now, named, path);
  raise(Code::kBug, "{}: the oplog leaves no collection of it", path);
}

std::unique_ptr<Source> open_one(const std::string& path, const std::vector<CollectionInfo>& all,
                                 const CollectionInfo& chosen, const Options& options,
                                 std::vector<std::string> advice) {
  refuse_doubled(all, chosen);
  if (stem_of(fs::path(chosen.path).filename().string(), ".metadata.json")) {
    throw Error(Code::kRead,
                fmt::format("{} has metadata of {}.{}, but no data", path, chosen.database,
                            chosen.collection),
                "the dump is not complete: dump or copy it again");
  }
  const FileKind kind = kind_of(chosen);
  if (kind != FileKind::kCsv)
    refuse_csv_options(chosen.path, options, "leave it out, or choose a file that ends in .csv");
  const JsonForm form = form_of(chosen.path, kind, options);
  auto input = std::make_shared<const Input>(chosen.path, name_of_kind(kind));
  CollectionName name{
      chosen.database, chosen.collection, chosen.metadata_json, {}, std::move(advice)};
  if (!chosen.fault.empty()) name.warnings.push_back(chosen.fault);
  if (kind == FileKind::kCsv) return open_csv(std::move(input), std::move(name), options);
  return kind == FileKind::kJson ? make_json_source(std::move(input), std::move(name), form)
                                 : make_bson_source(std::move(input), std::move(name));
}

std::unique_ptr<Source> open_directory(const std::string& path, const Options& options) {
  if (auto replay = begin_replay(oplog_of_directory(path, options), options, path)) {
    const std::vector<CollectionInfo> all = scan_directory(path, options);
    const auto open = [&](const CollectionInfo& chosen) {
      return open_one(path, all, chosen, options, {});
    };
    return open_chosen(all, std::move(replay), is_whole_dump(path), options, path, open);
  }
  DumpListing all = known_dump(path);
  if (all->empty())
    all = std::make_shared<const std::vector<CollectionInfo>>(
        scan_exports(path, options.text("database")));
  std::vector<std::string> advice;
  if (oplog_choice(options).kind == OplogChoice::Kind::kDefault && !are_exports(*all))
    advice.push_back(advice_without_oplog(path));
  const CollectionInfo& known = choose_collection(*all, options, path);
  const CollectionInfo chosen = is_export(known) ? known : seen_again(known);
  if (chosen.collection == known.collection && chosen.type == known.type)
    return open_one(path, *all, chosen, options, std::move(advice));
  const std::vector<CollectionInfo> now = scan_dump(path);  // its metadata has just been written
  return open_one(path, now, choose_collection(now, options, path), options, std::move(advice));
}

/// Lists what is left of `before` at the end of the oplog, when there is one.
PlaceInfo place_info(std::vector<CollectionInfo> before,
                     const std::shared_ptr<const Replay>& replay, bool whole,
                     const Options& options) {
  PlaceInfo out;
  if (replay) {
    ReplayedCollections now = replayed_collections(before, *replay, whole);
    out.warnings = left_out(before, now, *replay, whole);
    before = std::move(now.infos);
    out.oplog = oplog_info(*replay, ReplayedCollections::Origin::kNone);
  }
  out.collections = listed_collections(std::move(before), options);
  for (const CollectionInfo& info : out.collections) {
    if (!info.fault.empty()) out.warnings.push_back(info.fault);
  }
  return out;
}

PlaceInfo look_at_directory(const std::string& path, const Options& options) {
  const auto replay = begin_replay(oplog_of_directory(path, options), options, path);
  const std::vector<CollectionInfo> all = scan_directory(path, options);
  PlaceInfo out = place_info(all, replay, is_whole_dump(path), options);
  for (std::string& doubled : doubled_collections(all)) out.warnings.push_back(std::move(doubled));
  if (!replay && oplog_choice(options).kind == OplogChoice::Kind::kDefault && !are_exports(all))
    out.advice.push_back(advice_without_oplog(path));
  if (std::string beside = advice_beside_dump(path, all); !beside.empty())
    out.advice.push_back(std::move(beside));
  return out;
}

}  // namespace

std::span<const OptionSpec> file_options() { return all_options(); }

std::unique_ptr<Source> open_files(const std::string& place, const Options& options) {
  const AllowedPath path = path_of(place);
  require_path(path);
  return fs::is_directory(path.text()) ? open_directory(path.text(), options)
                                       : open_file(path, options);
}

PlaceInfo look_at_files(const std::string& place, const Options& options) {
  options.check("source", all_options());
  const AllowedPath allowed = path_of(place);
  require_path(allowed);
  const std::string& path = allowed.text();
  if (fs::is_directory(path)) return look_at_directory(path, options);
  // It cannot be looked at and read again: what it holds shows when it is opened.
  if (is_read_once(path)) {
    return {{{options.text("database"), options.text("collection"), "collection", path, 0, "", ""}},
            std::nullopt,
            {}};
  }
  const auto input = std::make_shared<const Input>(allowed, options.text("format", "auto"));
  if (input->kind() == FileKind::kArchive) {
    const auto replay = begin_replay(oplog_of_archive(input, options), options, input->shown());
    return place_info(list_archive(*input), replay, true, options);
  }
  const CollectionName name = name_of(*input, allowed, options);
  return {{{name.database, name.collection, "collection", path, input->bytes(), name.metadata_json,
            ""}},
          std::nullopt,
          {},
          name.warnings};
}

bool is_json_lines(std::string_view place) {
  if (place == "-") return true;
  if (!url_scheme(place).empty()) return false;
  if (place.ends_with(".gz")) place.remove_suffix(3);
  return place.ends_with(".jsonl") || place.ends_with(".ndjson") || place.ends_with(".json");
}

}  // namespace lugger
