#include "mongo/preflight.hpp"

#include <algorithm>

#include "value/bson_reader.hpp"

namespace lugger {
namespace {

constexpr std::string_view kFiles = ".files", kChunks = ".chunks";

std::string full_name(const MongoCollection& collection) {
  return collection.database + "." + collection.name;
}

/// GridFS keeps a file as a document in NAME.files and its bytes in NAME.chunks. "" if it is none.
std::string gridfs_of(const MongoCollection& collection, const std::vector<MongoCollection>& all) {
  const std::string_view name = collection.name;
  const std::string_view ending = name.ends_with(kFiles)    ? kFiles
                                  : name.ends_with(kChunks) ? kChunks
                                                            : std::string_view();
  if (ending.empty()) return {};
  const std::string bucket(name.substr(0, name.size() - ending.size()));
  const std::string other = fmt::format("{}{}", bucket, ending == kFiles ? kChunks : kFiles);
  const bool both = std::ranges::any_of(all, [&](const MongoCollection& one) {
    return one.database == collection.database && one.name == other;
  });
  return both ? bucket : std::string();
}

std::vector<std::string> views_of(const MongoCollection& collection,
                                  const std::vector<MongoCollection>& all) {
  std::vector<std::string> out;
  for (const MongoCollection& one : all) {
    if (one.database != collection.database || one.type != "view") continue;
    const Value on = bson_field(one.options, "viewOn");
    if (on.type == ValueType::kString && on.text() == collection.name) out.push_back(one.name);
  }
  return out;
}

}  // namespace

void refuse_servers_own(const MongoCollection& collection, const std::string& shown) {
  const std::string& database = collection.database;
  const bool own = database == "admin" || database == "config" || database == "local";
  if (!own && !collection.name.starts_with("system.")) return;
  throw Error(Code::kConfig,
              fmt::format("{} in {} belongs to the server itself", full_name(collection), shown),
              "users, roles, views and profiles are made anew on the target; to read it all the "
              "same, dump it with mongodump");
}

std::vector<std::string> warnings_of(const MongoCollection& collection) {
  if (collection.listed) return {};
  return {
      fmt::format("the role may not run listCollections on {}: the UUID of {} is not known, so it "
                  "is not noticed when it is dropped and made anew meanwhile",
                  collection.database, collection.name)};
}

std::vector<std::string> advice_of(const ScanPlace& place, const MongoSize& size,
                                   const MongoMetadata& metadata) {
  std::vector<std::string> out;
  if (place.style == ScanStyle::kBrackets) {
    out.emplace_back(
        place.object_ids
            ? "the server does not know `min` of find: keys are asked for by comparison. All are "
              "ObjectIds, so parts are cut at equal distances between the first and the last"
            : "the server does not know `min` of find, and not every _id is an ObjectId: keys are "
              "read type by type, in one part");
  }
  if (size.denied) {
    out.push_back(
        fmt::format("the role may not run collStats on {}: its size is not known, so there is no "
                    "forecast, and progress has no end to show",
                    place.name()));
  }
  if (metadata.denied) {
    out.push_back(
        fmt::format("the role may not run listIndexes on {}: a scaffold writes no indexes, and "
                    "indexes that no table can have are not told",
                    place.name()));
  }
  if (size.denied || metadata.denied || !place.collection.listed)
    out.emplace_back("`lugger init --mongo-role` prints a role with the rights that suffice");
  return out;
}

std::vector<std::string> decisions_of(const MongoCollection& collection, const MongoSize& size,
                                      const std::vector<MongoCollection>& all) {
  std::vector<std::string> out;
  if (const std::string bucket = gridfs_of(collection, all); !bucket.empty()) {
    out.push_back(
        fmt::format("GridFS: {0}.files has a document a file, {0}.chunks their bytes in pieces. "
                    "Drivers put them together, PostgreSQL does not: copy {0}.files, and move the "
                    "bytes into an object store, or into one bytea a file by a task",
                    bucket));
  }
  if (const auto views = views_of(collection, all); !views.empty()) {
    out.push_back(
        fmt::format("views read from it, and are not copied: {}. Write them as views of "
                    "the table",
                    fmt::join(views, ", ")));
  }
  if (size.sharded) {
    out.emplace_back(
        "it is sharded: unless _id is the shard key, two shards may hold the same _id, and the "
        "table's key would meet it twice");
  }
  return out;
}

}  // namespace lugger
