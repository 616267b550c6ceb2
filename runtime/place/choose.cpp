#include "place/choose.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace lugger {
namespace {

std::string full_name(const CollectionInfo& info) {
  return info.database.empty() ? info.collection : info.database + "." + info.collection;
}

/// True for a single collection, even in several files; opening it reports those.
bool all_one(const std::vector<const CollectionInfo*>& infos) {
  return !infos.empty() && std::all_of(infos.begin(), infos.end(), [&](const auto* info) {
    return full_name(*info) == full_name(*infos[0]);
  });
}

std::string names_of(const std::vector<const CollectionInfo*>& infos) {
  constexpr size_t kShown = 20;
  std::string out;
  for (size_t i = 0; i < infos.size() && i < kShown; ++i) {
    out += fmt::format("{}{}", i == 0 ? "" : ", ", full_name(*infos[i]));
  }
  if (infos.size() > kShown) out += fmt::format(" and {} more", infos.size() - kShown);
  return out;
}

std::vector<const CollectionInfo*> users_collections(const std::vector<CollectionInfo>& all,
                                                     std::string_view database) {
  std::vector<const CollectionInfo*> out;
  for (const CollectionInfo& info : all) {
    if (info.type == "collection" && is_users_collection(info) &&
        (database.empty() || info.database == database)) {
      out.push_back(&info);
    }
  }
  return out;
}

[[noreturn]] void refuse_unknown(const std::vector<CollectionInfo>& all, const std::string& wanted,
                                 std::string_view database, std::string_view place) {
  const auto known = users_collections(all, database);
  std::vector<std::string> texts;
  for (const CollectionInfo* info : known) {
    texts.push_back(full_name(*info));
    texts.push_back(info->collection);
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const std::string_view near = nearest(wanted, views);
  throw Error(Code::kConfig, fmt::format("{} has no collection {}", place, quoted_excerpt(wanted)),
              fmt::format("{}it has {}", near.empty() ? "" : fmt::format("did you mean {}? ", near),
                          known.empty() ? "none" : names_of(known)));
}

const CollectionInfo& readable(const CollectionInfo& info, std::string_view place) {
  if (info.type == "view") {
    throw Error(
        Code::kConfig,
        fmt::format("{} in {} is a view: it holds no documents of its own", full_name(info), place),
        "copy the collection it reads from, or dump it with mongodump --viewsAsCollections");
  }
  if (info.type == "timeseries") {
    throw Error(
        Code::kConfig,
        fmt::format("{} in {} is a time series: what is stored are its buckets, not its documents",
                    full_name(info), place),
        "export it with mongoexport and copy that file");
  }
  return info;
}

}  // namespace

bool is_users_collection(const CollectionInfo& info) {
  if (info.database == "config" || info.database.starts_with('$') ||
      info.collection.starts_with('$'))
    return false;
  return !info.collection.starts_with("system.") &&
         !(info.database.empty() && info.collection == "oplog");
}

const CollectionInfo& choose_collection(const std::vector<CollectionInfo>& all,
                                        const Options& options, std::string_view place) {
  const std::string wanted = options.text("collection"), database = options.text("database");
  if (wanted.empty()) {
    const auto candidates = users_collections(all, database);
    if (all_one(candidates)) return *candidates[0];
    if (candidates.empty()) {
      throw Error(Code::kConfig,
                  fmt::format("{} holds no collection to read{}", place,
                              database.empty() ? "" : fmt::format(" in database {}", database)));
    }
    throw Error(
        Code::kConfig, fmt::format("{} holds {} collections", place, candidates.size()),
        fmt::format("name one: collection = 'db.name'; there are {}", names_of(candidates)));
  }
  // A name may contain dots, so a match of the whole "db.name" takes precedence over a name alone.
  std::vector<const CollectionInfo*> by_name;
  for (const CollectionInfo& info : all) {
    if (!database.empty() && info.database != database) continue;
    if (full_name(info) == wanted) return readable(info, place);
    if (info.collection == wanted) by_name.push_back(&info);
  }
  if (all_one(by_name)) return readable(*by_name[0], place);
  if (by_name.empty()) refuse_unknown(all, wanted, database, place);
  throw Error(Code::kConfig,
              fmt::format("{} has several collections named {}", place, quoted_excerpt(wanted)),
              fmt::format("say which: {}", names_of(by_name)));
}

namespace {

/// A sentence when the collection is there more than once; otherwise "".
std::string told_as_doubled(const std::vector<CollectionInfo>& all, const CollectionInfo& info) {
  std::vector<std::string> paths;
  for (const CollectionInfo& other : all) {
    if (full_name(other) == full_name(info)) paths.push_back(other.path);
  }
  if (paths.size() < 2) return {};
  return fmt::format("{} lies there {} times: {}", full_name(info), paths.size(),
                     fmt::join(paths, ", "));
}

}  // namespace

std::vector<std::string> doubled_collections(const std::vector<CollectionInfo>& all) {
  std::vector<std::string> out;
  for (size_t i = 1; i < all.size(); ++i) {
    const bool first = i == 1 || full_name(all[i - 2]) != full_name(all[i]);
    if (first && full_name(all[i - 1]) == full_name(all[i]))
      out.push_back(told_as_doubled(all, all[i]));
  }
  return out;
}

void refuse_doubled(const std::vector<CollectionInfo>& all, const CollectionInfo& chosen) {
  const std::string told = told_as_doubled(all, chosen);
  if (told.empty()) return;
  throw Error(Code::kConfig, told,
              "remove or move away what is not meant, or name the one file that is as the source");
}

std::vector<CollectionInfo> listed_collections(std::vector<CollectionInfo> all,
                                               const Options& options) {
  const std::string database = options.text("database"), wanted = options.text("collection");
  std::erase_if(all, [&](const CollectionInfo& info) {
    if (!database.empty() && info.database != database) return true;
    if (!wanted.empty()) return full_name(info) != wanted && info.collection != wanted;
    return !is_users_collection(info);
  });
  return all;
}

}  // namespace lugger
